// What both kinds of table need. Nothing here makes markup of text: every word from data is a text node.

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** An element with attributes and children; children that are texts stay texts. */
function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Text as it is searched: no case, no accents. */
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The words of a search. */
const words = (text) => folded(text).split(/\s+/).filter(Boolean);

/** Runs beside typing: the latest call after a pause, so that a screen reader is not told every letter. */
function afterPause(action, milliseconds = 300) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), milliseconds);
  };
}

/** Makes the heads of a table sort it; `sort` gets the place of the column and whether it rises. */
function sortable(heads, sort) {
  heads.forEach((head, place) => {
    const label = head.querySelector(".label");
    const button = make("button", { type: "button", class: "sort" }, label.textContent);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      sort(place, rising);
    });
    label.replaceWith(button);
  });
}

/** Compares two values; what is missing comes last, whichever way is asked. */
function compare(first, second, rising) {
  if (first === null || second === null) return (first === null) - (second === null);
  const order = typeof first === "number" && typeof second === "number" ? first - second : collator.compare(first, second);
  return rising ? order : -order;
}
