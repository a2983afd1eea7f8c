// The facts as columns: unpacking, searching and sorting; nothing here touches the page.

async function inflate(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

class Facts {
  #haystack;
  #ranks = null;

  constructor({ texts, facts, cells }) {
    Object.assign(this, { texts, facts, cells });
    const names = Object.keys(facts);
    this.#haystack = facts.subject.map((_, fact) => folded(names.map((name) => this.text(name, fact)).join("\n")));
  }

  /** What a fact's uid, relation, subject or object says. */
  text(name, fact) {
    return this.texts[this.facts[name][fact]];
  }

  /** Rows of a cell that have all the words, the relation (a text's place) and the class (a letter under a cut), if any. */
  matches(cell, order, { wanted, relation, cut, letter }) {
    return order.filter((row) => {
      const fact = cell.fact[row];
      if (relation !== null && this.facts.relation[fact] !== relation) return false;
      if (letter && cell.classes[cut][row] !== letter) return false;
      return wanted.every((word) => this.#haystack[fact].includes(word));
    });
  }

  /** Rows of a cell in the order of a column; equal ones stay as they were in the file. */
  sorted(cell, column, rising) {
    const key = this.#keyOf(cell, column);
    const keys = cell.fact.map((_, row) => key(row));
    return cell.fact.map((_, row) => row).sort((a, b) => compare(keys[a], keys[b], rising) || a - b);
  }

  /** Relations of a cell, as places of their texts. */
  relations(cell) {
    const found = [...new Set(cell.fact.map((fact) => this.facts.relation[fact]))];
    return found.sort((first, second) => collator.compare(this.texts[first], this.texts[second]));
  }

  /** Where a fact stands in a cell, if it does. */
  rowOf(cell, fact) {
    cell.places ??= new Map(cell.fact.map((other, row) => [other, row]));
    return cell.places.get(fact);
  }

  #keyOf(cell, column) {
    if (column in this.facts) return (row) => this.#rank(this.facts[column][cell.fact[row]]);
    if (column === "classes") return (row) => cell.classes.map((letters) => letters[row]).join("");
    return (row) => cell[column]?.[row] ?? null;
  }

  /** Place of a text in the alphabet; found for all of them when somebody first sorts by words. */
  #rank(place) {
    if (this.#ranks === null) {
      this.#ranks = new Int32Array(this.texts.length);
      const order = this.texts.map((_, index) => index);
      order.sort((first, second) => collator.compare(this.texts[first], this.texts[second]));
      order.forEach((index, position) => (this.#ranks[index] = position));
    }
    return this.#ranks[place];
  }
}
