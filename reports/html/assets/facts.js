// The fact explorer: unpacks the facts, searches them, and makes table rows for those that are looked at.

const PAGE = 50;
const MISSING = "–";
const CLASS = { 1: "K_I", 2: "K_II", "-": MISSING };
const NUMBERS = { n_queries: 0, neurons_per_query: 1, cs1: 3, cs2: 3 };

const element = (name) => document.getElementById(`facts-${name}`);
const table = element("table");
const status = element("status");
const search = element("search");

async function unpack() {
  const bytes = Uint8Array.from(atob(document.getElementById("packed-facts").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function explore({ texts, facts, cells }) {
  const heads = [...table.tHead.rows[0].cells];
  const haystack = facts.subject.map((_, fact) =>
    folded(["subject", "relation", "object", "fact_uid"].map((name) => texts[facts[name][fact]]).join("\n")),
  );
  let cell, order, matches, shown;
  const text = (name, fact) => texts[facts[name][fact]];

  /** Place of every text in the order of the alphabet; made when somebody sorts by words. */
  let ranks = null;
  const rank = (place) => {
    if (ranks === null) {
      ranks = new Int32Array(texts.length);
      const sorted = texts.map((_, index) => index).sort((a, b) => collator.compare(texts[a], texts[b]));
      sorted.forEach((index, position) => (ranks[index] = position));
    }
    return ranks[place];
  };

  function keyOf(column) {
    if (column in facts) return (row) => rank(facts[column][cell.fact[row]]);
    if (column === "classes") return (row) => cell.classes.map((letters) => letters[row]).join("");
    return (row) => cell[column]?.[row] ?? null;
  }

  function sort(column, rising) {
    const key = keyOf(column);
    const keys = order.map(() => null);
    order.forEach((row) => (keys[row] = key(row)));
    order.sort((first, second) => compare(keys[first], keys[second], rising) || first - second);
  }

  function filter() {
    const wanted = words(search.value);
    const relation = element("relation").value;
    const [cut, letter] = element("class").value.split("/");
    matches = order.filter((row) => {
      const fact = cell.fact[row];
      if (relation && facts.relation[fact] !== Number(relation)) return false;
      if (letter && cell.classes[cut][row] !== letter) return false;
      return wanted.every((word) => haystack[fact].includes(word));
    });
    table.tBodies[0].replaceChildren();
    shown = 0;
    showMore();
  }

  function showMore() {
    const next = matches.slice(shown, shown + PAGE);
    table.tBodies[0].append(...next.map(rowOf));
    shown += next.length;
    element("more").parentElement.hidden = shown >= matches.length;
    say();
  }

  const say = afterPause(() => {
    const count = (number) => number.toLocaleString("en");
    status.textContent = `${count(matches.length)} of ${count(order.length)} facts, ${count(shown)} shown`;
  }, 200);

  const number = (of, name, row) => {
    const value = of[name]?.[row] ?? null;
    return value === null ? MISSING : value.toFixed(NUMBERS[name] ?? 0);
  };

  const classesOf = (of, row) => {
    const told = of.cuts.map(({ threshold }, cut) => {
      const letter = of.classes[cut][row];
      return make("span", { class: "class", "data-class": letter }, `${CLASS[letter]} `, make("small", {}, threshold), " ");
    });
    return told.length ? told : [MISSING];
  };

  function rowOf(row) {
    const fact = cell.fact[row];
    const button = make("button", { type: "button", class: "open", "aria-expanded": "false" }, text("subject", fact));
    const line = make("tr", {}, make("th", { scope: "row" }, button));
    line.append(make("td", {}, text("relation", fact)), make("td", {}, text("object", fact)));
    for (const name of Object.keys(NUMBERS)) line.append(make("td", { class: "number" }, number(cell, name, row)));
    line.append(make("td", { class: "classes" }, ...classesOf(cell, row)));
    button.addEventListener("click", () => toggle(button, line, fact));
    return line;
  }

  function toggle(button, line, fact) {
    const open = button.getAttribute("aria-expanded") === "true";
    if (open) line.nextElementSibling.remove();
    else line.after(make("tr", { class: "detail" }, make("td", { colspan: heads.length }, ...detail(fact))));
    button.setAttribute("aria-expanded", String(!open));
  }

  function detail(fact) {
    const head = ["model · localizer", "queries", "known", "KN a query", "KN in all", "CS1", "CS2", "class"];
    const numbers = ["n_queries", "n_known", "neurons_per_query", "union_size", "cs1", "cs2"];
    const inner = make("table", {}, make("caption", {}, `${text("subject", fact)} under every model and localizer`));
    const titles = head.map((title, place) => make("th", { scope: "col", class: place && place < 7 ? "number" : null }, title));
    inner.append(make("thead", {}, make("tr", {}, ...titles)), make("tbody"));
    for (const of of cells) {
      const row = placesOf(of).get(fact);
      if (row === undefined) continue;
      const line = make("tr", {}, make("th", { scope: "row" }, `${of.model} · ${of.localizer}`));
      line.append(...numbers.map((name) => make("td", { class: "number" }, number(of, name, row))));
      line.append(make("td", { class: "classes" }, ...classesOf(of, row)));
      inner.tBodies[0].append(line);
    }
    const sentence = `${text("subject", fact)} — ${text("relation", fact)} — ${text("object", fact)}`;
    return [make("p", {}, sentence), make("p", {}, "uid ", make("code", {}, text("fact_uid", fact))), inner];
  }

  /** Where each fact stands in a cell; made when a fact is first opened. */
  const placesOf = (of) => (of.places ??= new Map(of.fact.map((fact, row) => [fact, row])));

  function choose(select, options) {
    const kept = select.value;
    select.replaceChildren(make("option", { value: "" }, "all"));
    select.append(...options.map(([value, label]) => make("option", { value }, label)));
    select.value = options.some(([value]) => value === kept) ? kept : "";
  }

  function chooseCell() {
    cell = cells[Number(element("cell").value) || 0];
    order = cell.fact.map((_, row) => row);
    const relations = [...new Set(cell.fact.map((fact) => facts.relation[fact]))];
    relations.sort((first, second) => collator.compare(texts[first], texts[second]));
    choose(element("relation"), relations.map((place) => [String(place), texts[place]]));
    const classes = cell.cuts.flatMap(({ threshold, cut }, place) => [
      [`${place}/1`, `K_I: CS2 > ${cut} (${threshold})`],
      [`${place}/2`, `K_II: CS2 ≤ ${cut} (${threshold})`],
    ]);
    choose(element("class"), classes);
    const sorted = heads.find((head) => head.hasAttribute("aria-sort"));
    if (sorted) sort(sorted.dataset.column, sorted.getAttribute("aria-sort") === "ascending");
    filter();
  }

  sortable(heads, (place, rising) => {
    sort(heads[place].dataset.column, rising);
    filter();
  });
  search.addEventListener("input", () => {
    performance.mark("typed");
    filter();
    performance.measure("search", "typed");
  });
  element("cell").addEventListener("change", chooseCell);
  element("relation").addEventListener("change", filter);
  element("class").addEventListener("change", filter);
  element("more").addEventListener("click", () => {
    const first = shown;
    showMore();
    table.tBodies[0].querySelectorAll(".open")[first]?.focus();
  });
  element("form").addEventListener("submit", (event) => event.preventDefault());
  chooseCell();
  element("form").hidden = false;
  table.parentElement.hidden = false;
}

if (table) {
  status.hidden = false;
  unpack().then(
    (data) => {
      if (data.cells.length) explore(data);
      else status.textContent = "This run has no facts.";
    },
    () => (status.textContent = "This browser cannot unpack the facts; facts.csv beside this file has the same numbers."),
  );
}
