// Tables that stand in the page: sorting, a filter, and choices for columns with few words.

const FEW_ROWS = 5;

/** What a cell is sorted by: a number where the column has numbers. */
function cellValue(cell) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (!cell.classList.contains("number")) return text;
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

function enhance(grid) {
  const table = grid.querySelector("table");
  const body = table.tBodies[0];
  const heads = [...[...table.tHead.rows].at(-1).cells];
  const rows = [...body.rows];
  sortable(heads, (place, rising) => {
    const keys = new Map(rows.map((row) => [row, cellValue(row.cells[place])]));
    rows.sort((first, second) => compare(keys.get(first), keys.get(second), rising));
    body.append(...rows);
  });
  if (rows.length > FEW_ROWS) addFilters(grid, heads, rows);
}

function addFilters(grid, heads, rows) {
  const search = make("input", { type: "search", autocomplete: "off" });
  const choices = heads.flatMap((head, place) => choiceOf(head, place, rows));
  const status = make("p", { role: "status", class: "count" });
  const texts = new Map(rows.map((row) => [row, folded(row.textContent)]));
  const say = afterPause((count) => (status.textContent = `${count} of ${rows.length} rows`));
  const filter = () => {
    const wanted = words(search.value);
    let count = 0;
    rows.forEach((row) => {
      const chosen = choices.every(({ select, place }) => !select.value || wordOf(row.cells[place]) === select.value);
      row.hidden = !(chosen && wanted.every((word) => texts.get(row).includes(word)));
      count += !row.hidden;
    });
    say(count);
  };
  const controls = make("div", { class: "controls", role: "group", "aria-label": `Filter: ${grid.dataset.label}` });
  controls.append(make("label", {}, "Filter", search), ...choices.map(({ label }) => label));
  controls.addEventListener("input", filter);
  controls.addEventListener("change", filter); // of a choice that was not made by hand
  grid.prepend(controls, status);
}

/** The word that a cell is chosen by. */
const wordOf = (cell) => cell.dataset.value ?? cell.textContent.trim();

function choiceOf(head, place, rows) {
  if (head.dataset.choice === undefined) return [];
  const found = [...new Set(rows.map((row) => wordOf(row.cells[place])))].sort(collator.compare);
  if (found.length < 2) return [];
  const select = make("select", {}, make("option", { value: "" }, "all"));
  select.append(...found.map((word) => make("option", { value: word }, word || "none")));
  return [{ select, place, label: make("label", {}, head.dataset.choice, select) }];
}

// What is folded away is made ready when it is opened.
for (const grid of document.querySelectorAll(".grid")) {
  const closed = grid.closest("details:not([open])");
  if (closed) closed.addEventListener("toggle", () => enhance(grid), { once: true });
  else enhance(grid);
}

// On paper everything is open, and closed again on the screen.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((details) => (details.open = true));
});
addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));
