/** The page before its script runs: landmarks, headings, and places for what is drawn. */
export function pageMarkup(style: string, script: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>discovery-client</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#clusters">To the clusters</a>
<header id="verdict" class="gone">
<div id="mark" aria-hidden="true">…</div>
<div role="status" aria-live="polite">
<h1 id="title">Asking the agent</h1>
<ul id="reasons"><li><noscript>This page needs scripts; /status tells the same as JSON</noscript></li></ul>
</div>
<dl id="counts">
<div><dt>paths live</dt><dd id="count-paths">–</dd></div>
<div><dt>sessions</dt><dd id="count-sessions">–</dd></div>
<div><dt id="label-clusters">clusters</dt><dd id="count-clusters">–</dd></div>
</dl>
</header>
<div id="fabric">
<main id="clusters" tabindex="-1" aria-label="Clusters"></main>
<aside id="timeline" aria-labelledby="timeline-title">
<h2 id="timeline-title">What happens</h2>
<ol id="events" role="log" aria-live="polite" aria-relevant="additions" tabindex="0"
 aria-labelledby="timeline-title"></ol>
</aside>
</div>
<footer><span id="agent"></span> · <a href="status">state as JSON</a> · <a href="metrics">metrics</a></footer>
<dialog id="detail" aria-labelledby="detail-title">
<header><h2 id="detail-title"></h2><button id="detail-close" type="button">Close</button></header>
<div id="detail-content"></div>
</dialog>
<script>${script}</script>
</body>
</html>
`;
}
