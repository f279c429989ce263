/** How the page looks, light and dark. Texts reach a contrast of 4.5, marks and edges of 3 (WCAG 2.2 AA). */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --ground: #f3f5f8; --card: #ffffff; --text: #14181f; --faint: #566070; --line: #d5dbe3;
  --good: #166534; --good-soft: #d9f2e1; --busy: #1d4ed8; --busy-soft: #dce7fd;
  --warn: #8a4b08; --warn-soft: #fdecc8; --bad: #b01c1c; --bad-soft: #fddede;
  --gone: #566070; --gone-soft: #e8ebf0; --focus: #1d4ed8;
  font: 16px/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --card: #161c25; --text: #e8edf4; --faint: #9aa7b8; --line: #2c3645;
    --good: #6ee08f; --good-soft: #12351f; --busy: #9cc2ff; --busy-soft: #172c52;
    --warn: #f7c25c; --warn-soft: #40300b; --bad: #ff9b93; --bad-soft: #551a1a;
    --gone: #9aa7b8; --gone-soft: #242d3a; --focus: #9cc2ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); }
h1, h2, h3, p, ul, ol, dl, dd { margin: 0; padding: 0; }
ul, ol { list-style: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; z-index: 2; background: var(--card); color: var(--text); padding: .5rem 1rem; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
#verdict :focus-visible { outline-color: #fff; }
.faint { color: var(--faint); }

#verdict { color: #fff; background: #374151; padding: clamp(1.2rem, 3vw, 2.6rem) clamp(1rem, 3vw, 3rem);
  display: grid; grid-template-columns: auto 1fr auto; gap: .6rem clamp(1rem, 2.4vw, 2.4rem); align-items: center; }
#verdict.good { background: #14602f; }
#verdict.warn { background: #8a4b08; }
#verdict.bad { background: #a01818; }
#verdict.busy { background: #1e40af; }
#mark { font-size: clamp(2.6rem, 6vw, 5.6rem); font-weight: 800; line-height: 1; width: 1.35em; height: 1.35em;
  display: grid; place-content: center; border: .07em solid #fff; border-radius: 50%; }
#title { font-size: clamp(2rem, 4.6vw, 4.4rem); line-height: 1.06; font-weight: 800; letter-spacing: -.02em;
  text-wrap: balance; overflow-wrap: anywhere; }
#reasons { font-size: clamp(1.05rem, 1.65vw, 1.55rem); line-height: 1.35; margin-top: .5rem; overflow-wrap: anywhere; }
#reasons li { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
#counts { display: grid; gap: .3rem; text-align: right; }
#counts div { display: flex; flex-direction: row-reverse; gap: .6rem; align-items: baseline; }
#counts dd { font-size: clamp(1.15rem, 1.7vw, 1.7rem); font-weight: 700; font-variant-numeric: tabular-nums; }
#counts dt { font-size: .95rem; min-width: 5.2rem; text-align: left; }
#counts div > dt { order: -1; }

#fabric { display: grid; grid-template-columns: minmax(0, 1fr) minmax(20rem, 25rem); gap: 1.25rem;
  padding: 1.25rem clamp(1rem, 3vw, 3rem) 2rem; align-items: start; }
#verdict.gone #counts { visibility: hidden; }
#fabric.stale #clusters { opacity: .85; filter: grayscale(1); }
#clusters { display: grid; gap: 1.25rem; min-width: 0; }
.cluster, #timeline, #clusters > details { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: 1.1rem 1.25rem; min-width: 0; }
.cluster { border-left: .45rem solid var(--good); }
.cluster.bad { border-left-color: var(--bad); }
.cluster.warn { border-left-color: var(--warn); }
.cluster.busy { border-left-color: var(--busy); }
.cluster header { display: flex; flex-wrap: wrap; gap: .3rem .9rem; align-items: baseline; }
.cluster header p { flex-basis: 100%; font-size: .88rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; overflow-wrap: anywhere; }
h3 { font-size: .95rem; margin: 1.1rem 0 .4rem; color: var(--faint); font-weight: 600; }
.name .faint { font-weight: 400; }
.note, .wrong { color: var(--bad); }
summary { cursor: pointer; }
details .cluster { border: 0; padding: .8rem 0 0; }
details .inside { margin-top: .6rem; }

.chip { display: inline-flex; gap: .4em; align-items: baseline; padding: .08em .65em; border-radius: 1em; font-size: .9rem;
  font-weight: 600; background: var(--gone-soft); color: var(--gone); }
.endpoints .chip { white-space: nowrap; }
.endpoints td:nth-of-type(3) { white-space: nowrap; }
.chip.good { background: var(--good-soft); color: var(--good); }
.chip.busy { background: var(--busy-soft); color: var(--busy); }
.chip.warn { background: var(--warn-soft); color: var(--warn); }
.chip.bad { background: var(--bad-soft); color: var(--bad); }
.mark { font-weight: 800; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--faint); font-size: .85rem; padding-bottom: .45rem; }
th { text-align: left; font-weight: 600; }
.endpoints th, .endpoints td { padding: .3rem .9rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; }
.endpoints td:last-child { min-width: 15rem; }
.endpoints thead th { border: 0; color: var(--faint); font-weight: 400; font-size: .85rem; }
.age { white-space: nowrap; font-variant-numeric: tabular-nums; }
.matrix tbody th { font-weight: 400; padding: 0 .9rem 0 0; overflow-wrap: anywhere; min-width: 11rem; }
.matrix td { padding: 2px; }
.matrix thead th { vertical-align: bottom; padding: 0 2px .3rem; font-size: .88rem; }
.count { color: var(--faint); font-weight: 400; font-variant-numeric: tabular-nums; }
.count.bad { color: var(--bad); font-weight: 700; }
.cell { font: inherit; border: 1px solid transparent; border-radius: .3rem; cursor: pointer; background: var(--gone-soft);
  color: var(--gone); display: flex; gap: .45em; align-items: baseline; }
.cell.good { background: var(--good-soft); color: var(--good); }
.cell.busy { background: var(--busy-soft); color: var(--busy); border-color: var(--busy); }
.cell.bad { background: var(--bad); color: var(--card); border-color: var(--bad); font-weight: 700; }
.cell:hover { border-color: currentColor; }
.words .cell { width: 100%; padding: .14rem .6rem; font-size: .9rem; }
.words .device { margin-left: auto; font-weight: 400; }
.words .head span { display: block; }
.words thead th:not(:first-child) { min-width: 10.5rem; }
.small { table-layout: fixed; min-width: 56rem; }
.small thead th:first-child { width: 9.5rem; }
.small .name .faint { display: none; }
.small tbody th { white-space: nowrap; min-width: 0; padding-right: .4rem; overflow: hidden; text-overflow: ellipsis; }
.small tbody th > .faint { display: block; font-size: .8rem; overflow: hidden; text-overflow: ellipsis; }
.small .cell { width: 100%; height: 1.55rem; padding: 0; justify-content: center; align-items: center; font-size: .8rem; }
.small thead .head { margin: auto; writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
.small thead th:not(:first-child) { font-weight: 400; }

#timeline { position: sticky; top: 1.25rem; max-height: calc(100vh - 2.5rem); display: flex; flex-direction: column; }
#timeline h2 { font-size: 1.1rem; margin-bottom: .5rem; }
#events { overflow-y: auto; overflow-x: hidden; font-size: .86rem; }
#events li { padding: .42rem 0 .42rem .7rem; border-top: 1px solid var(--line); border-left: 3px solid transparent;
  overflow-wrap: anywhere; }
#events li.debug .message { color: var(--faint); }
#events li.warn { border-left-color: var(--warn); }
#events li.error { border-left-color: var(--bad); }
#events li.warn .message { color: var(--warn); font-weight: 600; }
#events li.error .message { color: var(--bad); font-weight: 600; }
#events time { font-variant-numeric: tabular-nums; color: var(--faint); }
#events .kind { color: var(--faint); border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35em; }
#events .fields { display: block; color: var(--faint); font-size: .8rem; }
#events:empty::before { content: "Nothing has happened yet"; color: var(--faint); }

dialog { border: 1px solid var(--line); border-radius: .8rem; background: var(--card); color: var(--text); padding: 1.4rem;
  width: min(60rem, 94vw); max-height: 85vh; }
dialog::backdrop { background: rgb(0 0 0 / .45); }
dialog header { display: flex; justify-content: space-between; gap: 1rem; align-items: start; margin-bottom: 1rem; }
dialog h2 { font-size: 1.15rem; }
dialog ul { margin: .5rem 0; }
dl { overflow-wrap: anywhere; }
dialog dl { display: grid; grid-template-columns: auto 1fr; gap: .4rem 1.2rem; }
dialog dt { color: var(--faint); }
#detail-close { font: inherit; padding: .25rem .9rem; border: 1px solid var(--faint); border-radius: .4rem; cursor: pointer;
  background: var(--card); color: var(--text); }
footer { padding: 0 clamp(1rem, 3vw, 3rem) 2rem; color: var(--faint); font-size: .88rem; }
a { color: var(--busy); }

@media (max-width: 1100px) {
  #fabric { grid-template-columns: minmax(0, 1fr); }
  #timeline { position: static; max-height: 60vh; }
}
@media (max-width: 700px) {
  #verdict { grid-template-columns: auto 1fr; }
  #counts { grid-column: 1 / -1; }
}
@media (prefers-contrast: more) {
  .cell, .chip { border: 1px solid currentColor; }
}
@media print { #timeline { position: static; max-height: none; } }
`;
