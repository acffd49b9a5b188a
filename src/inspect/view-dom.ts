/** The few pieces of DOM that the view is made of. Elements are used again: a refresh changes text, not focus. */

/** Head and cell of a column. */
export type Column<Row> = readonly [head: string, cell: (row: Row) => string | number]

/** One row of a table can be chosen, by a button in its first cell. */
export interface Choice<Row> {
  label(row: Row): string
  isChosen(row: Row): boolean
  choose(row: Row): void
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/** Makes the children of `parent` so many elements with these texts. */
export function cellsOf(
  parent: Element,
  texts: readonly string[],
  nameOf: (index: number) => keyof HTMLElementTagNameMap,
): void {
  while (parent.children.length > texts.length) parent.lastElementChild?.remove()
  texts.forEach((text, index) => {
    const cell = parent.children[index] ?? parent.appendChild(element(nameOf(index)))
    if (cell.textContent !== text) cell.textContent = text
  })
}

/** A table with a caption; hidden rows are none: an empty one says so in a line. */
export class Table<Row> {
  readonly root: HTMLElement
  readonly #columns: readonly Column<Row>[]
  readonly #choice: Choice<Row> | undefined
  readonly #body = element('tbody')
  readonly #empty = element('p', { class: 'empty' }, 'none')
  readonly #table: HTMLTableElement
  #rows: readonly Row[] = []

  constructor(title: string, columns: readonly Column<Row>[], choice?: Choice<Row>) {
    this.#columns = columns
    this.#choice = choice
    const heads = columns.map(([head]) => element('th', { scope: 'col' }, head))
    const head = element('thead', {}, element('tr', {}, ...heads))
    this.#table = element('table', { 'aria-label': title }, head, this.#body)
    // Wide tables scroll by themselves, by keys too.
    const scroll = element('div', { class: 'scroll', tabindex: '0', role: 'group' }, this.#table)
    scroll.setAttribute('aria-label', title)
    this.root = element('section', {}, element('h3', {}, title), scroll, this.#empty)
  }

  show(rows: readonly Row[]): void {
    this.#rows = rows
    this.#empty.hidden = rows.length > 0
    this.root.classList.toggle('none', rows.length === 0)
    ;(this.#table.parentElement as HTMLElement).hidden = rows.length === 0
    while (this.#body.rows.length > rows.length) this.#body.rows[rows.length]?.remove()
    for (const [index, row] of rows.entries()) this.#fill(index, row)
  }

  #fill(index: number, row: Row): void {
    const line = this.#body.rows[index] ?? this.#body.appendChild(this.#newLine(index))
    this.#columns.forEach(([, cell], column) => {
      const target = line.cells[column]?.querySelector('button') ?? line.cells[column]
      const value = cell(row)
      const text = String(value)
      if (!target || target.textContent === text) return
      target.textContent = text
    })
    if (!this.#choice) return
    const isChosen = this.#choice.isChosen(row)
    line.classList.toggle('chosen', isChosen)
    const button = line.querySelector('button')
    button?.setAttribute('aria-pressed', String(isChosen))
    button?.setAttribute('aria-label', this.#choice.label(row))
  }

  #newLine(index: number): HTMLTableRowElement {
    const line = element('tr')
    this.#columns.forEach((_, column) => {
      const cell = element('td')
      if (this.#choice && column === 0) cell.append(element('button', { type: 'button' }))
      line.append(cell)
    })
    if (this.#choice) {
      line.addEventListener('click', () => {
        const row = this.#rows[index]
        if (row !== undefined) this.#choice?.choose(row)
      })
    }
    return line
  }
}
