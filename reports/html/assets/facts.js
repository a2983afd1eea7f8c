// The fact explorer: what a reader types and chooses, and the rows that follow from it.

const PAGE = 50;

class Explorer {
  constructor(facts) {
    this.facts = facts;
    this.table = document.getElementById("facts-table");
    for (const name of ["form", "search", "cell", "relation", "class", "status", "more"]) {
      this[name] = document.getElementById(`facts-${name}`);
    }
    this.say = afterPause(() => this.tell(), 200);
    this.listen();
    this.chooseCell();
    this.form.hidden = false;
    this.table.parentElement.hidden = false;
  }

  listen() {
    this.heads = [...this.table.tHead.rows[0].cells];
    sortable(this.heads, () => this.sort());
    this.search.addEventListener("input", () => {
      performance.mark("typed");
      this.filter();
      performance.measure("search", "typed");
    });
    this.cell.addEventListener("change", () => this.chooseCell());
    this.relation.addEventListener("change", () => this.filter());
    this.class.addEventListener("change", () => this.filter());
    this.more.addEventListener("click", () => this.showMore().querySelector(".open").focus());
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** The facts of another model and localizer, with its relations and its cuts to choose from. */
  chooseCell() {
    this.of = this.facts.cells[Number(this.cell.value)];
    const relations = this.facts.relations(this.of).map((place) => [place, this.facts.texts[place]]);
    const classes = this.of.cuts.flatMap(({ threshold, cut }, place) => [
      [`${place}/1`, `K_I: CS2 > ${cut} (${threshold})`],
      [`${place}/2`, `K_II: CS2 ≤ ${cut} (${threshold})`],
    ]);
    this.offer(this.relation, relations);
    this.offer(this.class, classes);
    this.sort();
  }

  /** Puts choices into a list; what was chosen stays chosen where there still is such a thing. */
  offer(select, options) {
    const kept = select.value;
    select.replaceChildren(make("option", { value: "" }, "all"));
    select.append(...options.map(([value, label]) => make("option", { value }, label)));
    select.value = options.some(([value]) => String(value) === kept) ? kept : "";
  }

  sort() {
    const head = this.heads.find((other) => other.hasAttribute("aria-sort"));
    this.order = head
      ? this.facts.sorted(this.of, head.dataset.column, head.getAttribute("aria-sort") === "ascending")
      : this.of.fact.map((_, row) => row);
    this.filter();
  }

  filter() {
    const relation = this.relation.value === "" ? null : Number(this.relation.value);
    const [cut, letter] = this.class.value.split("/");
    this.matches = this.facts.matches(this.of, this.order, { wanted: words(this.search.value), relation, cut, letter });
    this.table.tBodies[0].replaceChildren();
    this.shown = 0;
    this.showMore();
  }

  /** Makes the next rows; returns the first of them. */
  showMore() {
    const rows = this.matches.slice(this.shown, this.shown + PAGE).map((row) => factRow(this.facts, this.of, row));
    this.table.tBodies[0].append(...rows);
    this.shown += rows.length;
    this.more.parentElement.hidden = this.shown >= this.matches.length;
    this.say();
    return rows[0];
  }

  tell() {
    const [found, all, shown] = [this.matches.length, this.order.length, this.shown].map((n) => n.toLocaleString("en"));
    this.status.textContent = `${found} of ${all} facts, ${shown} shown`;
  }
}

const status = document.getElementById("facts-status");
status.hidden = false;
inflate(document.getElementById("packed-facts").textContent).then(
  (columns) => {
    const facts = new Facts(columns);
    if (facts.cells.length) new Explorer(facts);
    else status.textContent = "This run has no facts.";
  },
  () => (status.textContent = "This browser cannot unpack the facts; the run's facts.csv has the same numbers."),
);
