// Makes elements. Text is always text: nothing here, or anywhere on this page, takes markup from a string.

/** An element with attributes, handlers (`onclick`), custom properties (`--left`), and children. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...present(children.flat()));
  return element;
}

/** Gives a parent these children in the place of those that it has; what isn't there is passed over. */
export function fill(parent, ...children) {
  parent.replaceChildren(...present(children.flat()));
}

function present(children) {
  return children.filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Text for ears alone. */
export function unseen(text) {
  return h("span", { class: "unseen" }, text);
}

/** A mark for eyes alone: the words stand beside it. */
export function mark(text, tone) {
  return h("span", { class: `mark tone-${tone}`, "aria-hidden": "true" }, text);
}

/** Changes a text only where it is another one, so that nobody is told twice. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Gives a parent these children, in order; those that are there already stay, and keep the focus. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, at) => {
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  });
}

/** A group of choices of which one holds: radio buttons that look like one strip. */
export function choices(label, name, options, chosen, onchange) {
  return h("fieldset", { class: "choices" }, h("legend", { class: "unseen" }, label), options.map(([value, text]) =>
    h("label", {},
      h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
      h("span", { "data-choice": value }, text))));
}
