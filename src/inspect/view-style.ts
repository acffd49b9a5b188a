/** The view's style: follows the page's light or dark; every colour of text has a contrast of 4.5 at least. */
export const STYLE = `
:host { all: initial; display: block; color-scheme: light dark; container-type: inline-size;
  --back: #ffffff; --front: #1b1f24; --soft: #57606a; --line: #d0d7de; --lift: #f6f8fa; --mark: #0a58ca;
  --dirty: #d1242f; --private: #8250df; --resident: #0969da; --absent: #dfe4ea; --written: #1a7f37;
  font: 14px/1.45 system-ui, sans-serif; color: var(--front); background: var(--back); }
@media (prefers-color-scheme: dark) { :host {
  --back: #0d1117; --front: #e6edf3; --soft: #9aa4af; --line: #30363d; --lift: #161b22; --mark: #6cb0ff;
  --dirty: #ff7b72; --private: #bc8cff; --resident: #4493f8; --absent: #262c36; --written: #3fb950; } }
[hidden] { display: none !important; }
header { display: flex; align-items: center; justify-content: space-between; gap: 1em; padding: 12px 16px;
  border-bottom: 1px solid var(--line); }
h2 { font-size: 17px; margin: 0; } h3 { font-size: 14px; margin: 0 0 6px; }
section, .pages { margin: 0; padding: 12px 16px; }
section + section { padding-top: 4px; }
button { font: inherit; color: inherit; background: var(--lift); border: 1px solid var(--line); border-radius: 6px;
  padding: 3px 12px; cursor: pointer; }
button[disabled] { color: var(--soft); cursor: default; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.status { margin: 12px 16px 0; padding: 6px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--lift); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(110px, auto)); grid-auto-flow: column;
  grid-template-rows: auto auto; gap: 0 16px; margin: 0; padding: 12px 16px; }
dt { color: var(--soft); font-size: 12px; } dd { margin: 0; white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 12px; white-space: nowrap; }
td { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 13px; }
th { font-weight: 600; font-size: 12px; color: var(--soft); background: var(--lift); border-bottom: 1px solid var(--line); }
tbody tr + tr td { border-top: 1px solid var(--line); }
td button { padding: 0 8px; min-width: 2.4em; font-family: inherit; }
tr.chosen td { background: color-mix(in srgb, var(--mark) 12%, transparent); }
tr.chosen td button { border-color: var(--mark); color: var(--mark); }
.none { display: flex; gap: 8px; align-items: baseline; padding-top: 0; padding-bottom: 6px; } .none h3 { margin: 0; }
.empty { margin: 0; color: var(--soft); font-size: 13px; }
figcaption { font-weight: 600; margin-bottom: 6px; }
.cells { display: grid; grid-template-columns: repeat(64, 1fr); gap: 2px; max-width: 900px; }
.cells i { aspect-ratio: 1; border-radius: 2px; background: var(--absent); }
.cells .dirty, .legend .dirty::before { background: var(--dirty); }
.cells .private, .legend .private::before { background: var(--private); }
.cells .resident, .legend .resident::before { background: var(--resident); }
.cells .written, .legend .written::before { background: var(--written); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 8px 0 0; padding: 0; list-style: none; font-size: 13px; }
.legend li::before { content: ''; display: inline-block; width: 10px; height: 10px; margin-right: 6px;
  border-radius: 2px; background: var(--absent); }
@container (max-width: 560px) { .facts { grid-auto-flow: row; grid-template: none; grid-template-columns: auto 1fr; } }
`
