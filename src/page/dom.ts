/** Make an element; text among its children is text, whatever it says. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/** Find an element of the page. @throws Error where there is none of this kind. */
export function find<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${id}`);
}

/** Change an element's text, if it is another: what a reader has selected stays selected. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** One element of a list, and how to bring it up to date. */
export interface Shown<Item> {
  readonly root: HTMLElement;
  readonly show: (item: Item) => void;
}

export interface KeyedListOptions<Item> {
  readonly parent: HTMLElement;
  readonly key: (item: Item) => string;
  readonly make: () => Shown<Item>;
}

/** Keeps the children of an element in step with items, so that a row that stays is the same element and keeps the focus. */
export class KeyedList<Item> {
  readonly #options: KeyedListOptions<Item>;
  readonly #shown = new Map<string, Shown<Item>>();

  constructor(options: KeyedListOptions<Item>) {
    this.#options = options;
  }

  show(items: readonly Item[]): void {
    const { parent, key } = this.#options;
    const focused = document.activeElement;
    const gone = new Map(this.#shown);
    let next = parent.firstElementChild;
    for (const item of items) {
      const name = key(item);
      gone.delete(name);
      const shown = this.#shownAs(name);
      shown.show(item);
      if (shown.root === next) next = next.nextElementSibling;
      else parent.insertBefore(shown.root, next);
    }
    for (const [name, { root }] of gone) {
      root.remove();
      this.#shown.delete(name);
    }
    // A row that moved has lost it.
    if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
  }

  #shownAs(name: string): Shown<Item> {
    const known = this.#shown.get(name);
    if (known) return known;
    const made = this.#options.make();
    this.#shown.set(name, made);
    return made;
  }
}
