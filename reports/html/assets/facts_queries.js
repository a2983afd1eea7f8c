// The queries of a fact with their knowledge neurons; unpacked when the first fact is opened.

const NEURONS_SHOWN = 12;

/** Where the part of each item starts, and at the end where the last one stops. */
function starts(sizes) {
  const found = new Uint32Array(sizes.length + 1);
  sizes.forEach((size, place) => (found[place + 1] = found[place] + size));
  return found;
}

class Queries {
  constructor({ frames, cells }) {
    Object.assign(this, { frames, cells });
  }

  /** The queries of a row of a cell, each with its frame, and the neurons that several of them have. */
  of(place, row) {
    const cell = this.cells[place];
    cell.queryStarts ??= starts(cell.n);
    cell.neuronStarts ??= starts(cell.kn);
    cell.sharedStarts ??= starts(cell.shared.n);
    const queries = [];
    for (let query = cell.queryStarts[row]; query < cell.queryStarts[row + 1]; query++) {
      const neurons = this.#neurons(cell, query);
      queries.push({ frame: this.frames[cell.frame[query]], known: cell.known[query] === "1", n: cell.kn[query], neurons });
    }
    const shared = [];
    for (let at = cell.sharedStarts[row]; at < cell.sharedStarts[row + 1]; at++) {
      shared.push({ neuron: cell.shared.neuron[at], count: cell.shared.count[at] });
    }
    return { queries, shared, width: cell.d_ff };
  }

  /** Ids from their distances; null where the page holds their number alone. */
  #neurons(cell, query) {
    if (cell.neurons === null) return null;
    let id = 0;
    return cell.neurons.slice(cell.neuronStarts[query], cell.neuronStarts[query + 1]).map((distance) => (id += distance));
  }
}

const packedQueries = document.getElementById("packed-queries").textContent;
let unpackedQueries = null;

/** All queries, null if the run saved none. */
function allQueries() {
  if (!packedQueries) return Promise.resolve(null);
  unpackedQueries ??= inflate(packedQueries).then((columns) => new Queries(columns));
  return unpackedQueries;
}

/** A neuron as `kntests show` writes it. */
const neuronName = (id, width) => `${Math.floor(id / width)}:${id % width}`;

/** The neurons of a query, those of other queries too in bold; the rest behind a button. */
function neuronCell({ neurons }, shared, width) {
  const names = neurons.map((id) => make(shared.has(id) ? "b" : "span", {}, neuronName(id, width)));
  const cell = make("td", { class: "neurons" });
  const show = (some) => cell.append(...some.flatMap((name) => [name, " "]));
  show(names.slice(0, NEURONS_SHOWN));
  if (names.length > NEURONS_SHOWN) {
    const rest = names.slice(NEURONS_SHOWN);
    const button = make("button", { type: "button", class: "more" }, `and ${rest.length} more`);
    button.addEventListener("click", () => (button.remove(), show(rest)));
    cell.append(button);
  }
  return cell;
}

/** The prompts of a fact under one model and localizer, a row each. */
function queryTable({ queries, width }, shared, subject, label) {
  const heads = [["query"], ["known"], ["KN", "number"]];
  if (queries[0].neurons) heads.push(["layer:neuron"]);
  const table = make("table", {}, make("caption", {}, `Queries under ${label}`));
  const cells = heads.map(([title, kind]) => make("th", { scope: "col", class: kind }, title));
  table.append(make("thead", {}, make("tr", {}, ...cells)), make("tbody"));
  for (const query of queries) {
    const prompt = query.frame.replaceAll("[X]", () => subject);
    const line = make("tr", {}, make("th", { scope: "row" }, prompt));
    line.append(make("td", {}, query.known ? "yes" : "no"), make("td", { class: "number" }, String(query.n)));
    if (query.neurons) line.append(neuronCell(query, shared, width));
    table.tBodies[0].append(line);
  }
  return make("div", { class: "scroll", role: "group", tabindex: "0", "aria-label": `Queries under ${label}` }, table);
}

/** What a fact was asked under one model and localizer, folded unless it is the one that was chosen. */
function queriesOf(found, subject, label, open) {
  const shared = new Set();
  const seen = new Set();
  for (const { neurons } of found.queries) for (const id of neurons ?? []) (seen.has(id) ? shared : seen).add(id);
  const parts = found.queries.length ? [queryTable(found, shared, subject, label)] : [make("p", {}, "No query has a score.")];
  const named = found.shared.map(({ neuron, count }) => `${neuronName(neuron, found.width)} (${count})`).join(", ");
  parts.push(make("p", {}, named ? `Most shared (layer:neuron, and by how many queries): ${named}` : "No neuron is one of two queries."));
  return make("details", { open, class: "titled" }, make("summary", {}, `Queries under ${label}`), ...parts);
}

/** A word of a command line, in quotes where a shell would take it apart. */
const quoted = (word) => (/^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Fills a box with the queries of a fact under every cell. */
async function showQueries(box, facts, fact, chosen) {
  const all = await allQueries();
  const parts = [];
  for (const [place, cell] of facts.cells.entries()) {
    const row = facts.rowOf(cell, fact);
    if (!all || row === undefined) continue;
    parts.push(queriesOf(all.of(place, row), facts.text("subject", fact), `${cell.model} · ${cell.localizer}`, cell === chosen));
  }
  const asked = [facts.text("fact_uid", fact), `--model=${chosen.model}`, `--localizer=${chosen.localizer}`];
  const command = make("code", {}, ["kntests show", ...asked.map(quoted), "--all-neurons"].join(" "));
  const why = all ? "Scores of neurons and probabilities of answers, with the options of the run: " : "This run saved no queries; with its options, they are shown by ";
  box.replaceChildren(...parts, make("p", { class: "note" }, why, command));
}
