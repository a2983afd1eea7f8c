// Table rows of facts, made one by one as they are looked at.

const MISSING = "–";
const CLASS = { 1: "K_I", 2: "K_II", "-": MISSING };
const DIGITS = { neurons_per_query: 1, cs1: 3, cs2: 3 };
const SHOWN = ["n_queries", "neurons_per_query", "cs1", "cs2"];
const DETAIL = {
  n_queries: "queries",
  n_known: "known",
  neurons_per_query: "KN a query",
  union_size: "KN in all",
  cs1: "CS1",
  cs2: "CS2",
};

function numberCell(cell, name, row) {
  const value = cell[name]?.[row] ?? null;
  return make("td", { class: "number" }, value === null ? MISSING : value.toFixed(DIGITS[name] ?? 0));
}

/** The class of a fact under each threshold, in words. */
function classesCell(cell, row) {
  const told = cell.cuts.map(({ threshold }, cut) => {
    const letter = cell.classes[cut][row];
    return make("span", { class: "class", "data-class": letter }, `${CLASS[letter]} `, make("small", {}, threshold), " ");
  });
  return make("td", { class: "classes" }, ...(told.length ? told : [MISSING]));
}

/** A row that opens; its button names the fact. */
function factRow(facts, cell, row) {
  const fact = cell.fact[row];
  const subject = facts.text("subject", fact);
  const button = make("button", { type: "button", class: "open", "aria-expanded": "false" }, subject);
  const line = make("tr", {}, make("th", { scope: "row" }, button));
  line.append(...["relation", "object"].map((name) => make("td", {}, facts.text(name, fact))));
  line.append(...SHOWN.map((name) => numberCell(cell, name, row)), classesCell(cell, row));
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    if (open) line.nextElementSibling.remove();
    else line.after(make("tr", { class: "detail" }, make("td", { colspan: line.cells.length }, detail(facts, fact, cell))));
    button.setAttribute("aria-expanded", String(!open));
  });
  return line;
}

/** A fact under every model and localizer, then its queries. */
function detail(facts, fact, chosen) {
  const [subject, relation, object, uid] = ["subject", "relation", "object", "fact_uid"].map((name) => facts.text(name, fact));
  const table = make("table", { class: "scores" }, make("caption", {}, `${subject} under every model and localizer`));
  const numbers = Object.values(DETAIL).map((title) => make("th", { scope: "col", class: "number" }, title));
  const [first, last] = ["model · localizer", "class"].map((title) => make("th", { scope: "col" }, title));
  table.append(make("thead", {}, make("tr", {}, first, ...numbers, last)), make("tbody"));
  for (const cell of facts.cells) {
    const row = facts.rowOf(cell, fact);
    if (row === undefined) continue;
    const line = make("tr", {}, make("th", { scope: "row" }, `${cell.model} · ${cell.localizer}`));
    line.append(...Object.keys(DETAIL).map((name) => numberCell(cell, name, row)), classesCell(cell, row));
    table.tBodies[0].append(line);
  }
  const queries = make("div", { class: "queries" }, "Unpacking the queries …");
  showQueries(queries, facts, fact, chosen).catch(() => (queries.textContent = "This browser cannot unpack the queries."));
  const about = [make("p", {}, `${subject} — ${relation} — ${object}`), make("p", {}, "uid ", make("code", {}, uid))];
  const scores = make("div", { class: "scroll", role: "group", tabindex: "0", "aria-label": `Scores of ${subject}` }, table);
  return make("div", { class: "inside" }, ...about, scores, queries);
}
