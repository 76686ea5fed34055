/**
 * The inspector page: one document with its style and its script. It loads nothing else, and asks only the API of its own
 * server.
 *
 * Invariant: its policy names the one script and the one style by their hashes, so no text of a fact can ever run.
 * Boundary: text; inspector.browser.js is the script.
 */
import { sha256 } from "../values/sha256.ts"
import { inspectorScript } from "./inspectorScript.ts"

const style = `
:root { color-scheme: light dark; --line: light-dark(#d9dce3, #343a46); --back: light-dark(#f6f7f9, #14171c);
  --page: light-dark(#fff, #1b1f26); --soft: light-dark(#667085, #98a2b3); --accent: light-dark(#3451d1, #8ea2ff);
  --good: light-dark(#0b7a4b, #4cc38a); --bad: light-dark(#b42318, #ff8a80); --warn: light-dark(#9a6700, #f0b849) }
* { box-sizing: border-box }
body { margin: 0; font: 14px/1.45 system-ui, sans-serif; background: var(--back); height: 100vh; display: grid;
  grid-template: auto 1fr / 20rem 1fr }
header { grid-column: 1 / 3; display: flex; gap: 1rem; align-items: center; padding: .6rem 1rem;
  border-bottom: 1px solid var(--line); background: var(--page) }
header h1 { font-size: 1rem; margin: 0 }
h1, #access { flex: none }
#access { display: flex; gap: .4rem; align-items: center }
#said { color: var(--bad) }
small, .hint, th { color: var(--soft) }
nav { overflow: auto; border-right: 1px solid var(--line); background: var(--page) }
.job { display: grid; grid-template-columns: 1fr auto; gap: 0 .5rem; padding: .5rem 1rem; color: inherit;
  text-decoration: none; border-bottom: 1px solid var(--line) }
.job small { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.job:hover, .chosen { background: var(--back) }
.chosen { box-shadow: inset 3px 0 var(--accent) }
.hint { padding: 1rem }
main { overflow: auto; padding: 1rem 1.5rem; min-width: 0 }
.state, .box { border: 1px solid var(--line); border-radius: 99px; padding: 0 .6rem; font-size: .85em; white-space: nowrap;
  align-self: center }
.running, .queued { color: var(--accent) } .converged { color: var(--good) } .failed { color: var(--bad) }
.paused, .awaiting, .suspended, .quarantined, .cancelled, .budget-exhausted { color: var(--warn) }
#machine { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: 1rem 0 }
#machine i { color: var(--soft); font-style: normal }
.box { border-radius: 6px; padding: .25rem .7rem }
.loop { display: inline-flex; gap: .4rem; align-items: center; padding: .4rem; border: 1px dashed var(--line); border-radius: 10px }
.here { background: var(--accent); color: var(--page); border-color: var(--accent) }
.here.converged { background: var(--good); border-color: var(--good) }
.here.failed { background: var(--bad); border-color: var(--bad) }
#numbers { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-variant-numeric: tabular-nums }
button, input { font: inherit; padding: .25rem .7rem; border: 1px solid var(--line); border-radius: 6px; background: var(--page);
  color: inherit }
button:disabled { opacity: .4 } button:not(:disabled):hover, .on { border-color: var(--accent); color: var(--accent) }
.tabs { display: flex; gap: .4rem; margin: 1.2rem 0 .6rem }
.kinds { display: flex; flex-wrap: wrap; gap: .3rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere }
td:not(:last-child), th { white-space: nowrap }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--page); border: 1px solid var(--line); border-radius: 6px;
  padding: .6rem; max-height: 30rem; overflow: auto }
details { padding: .2rem 0; border-bottom: 1px solid var(--line) } summary { cursor: pointer; overflow-wrap: anywhere }
.tree, .tree ul { padding-left: 1.2rem }
[hidden] { display: none !important }
`

const document = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>effect-converge inspector</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>effect-converge</h1><small>inspector</small>
<form id="access" hidden><label for="token">bearer token</label> <input id="token" type="password" autocomplete="off"> <button>use it</button></form>
<span id="said" role="status"></span>
</header>
<nav id="jobs" aria-label="jobs"></nav>
<main>
<p id="none" class="hint">Choose a job.</p>
<div id="one" hidden>
<div id="title"></div>
<div id="machine" aria-label="where the job stands"></div>
<div id="numbers"></div>
<div class="tabs"><button id="pause">pause</button><button id="resume">resume</button><button id="cancel">cancel</button></div>
<div class="tabs"><button id="tab-cycles">cycles</button><button id="tab-events">events</button><button id="tab-facts">facts</button><button id="tab-result">result</button> <small id="note"></small></div>
<div id="view"></div>
</div>
</main>
<script>${inspectorScript}</script>
</body>
</html>
`

const hashed = (text: string): string => `'sha256-${Buffer.from(sha256(text), "hex").toString("base64")}'`

export const inspectorPage = document

/** The content security policy: the page may run its own script, and ask this server. */
export const inspectorPolicy = [
  "default-src 'none'",
  `script-src ${hashed(inspectorScript)}`,
  `style-src ${hashed(style)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")
