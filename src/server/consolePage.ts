/**
 * The page of the console: one document with its style and its script. A server's page loads nothing else but its layout
 * engine, and asks only the API of that server. The page of a recorded job loads and asks nothing.
 *
 * Invariant: its policy names the style and the script by their hashes, so no text of a fact can ever run. The layout engine runs
 * in a worker: only the page's script starts one, from this server's scripts or from the text in the file of a record.
 * Boundary: text; src/inspector/console has the sources, consoleTexts.ts what the build made of them.
 */
import { sha256 } from "../values/sha256.ts"
import { consoleLayout } from "./consoleLayout.ts"
import { consoleTexts } from "./consoleTexts.ts"
import type { JobRecord } from "./jobRecord.ts"

const hashed = (text: string): string => `sha256-${Buffer.from(sha256(text), "hex").toString("base64")}`

export interface ConsolePage {
  readonly html: string
  /** The content security policy: the page may run its own scripts, and ask this server. */
  readonly policy: string
}

const documentOf = (head: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${head}<meta name="viewport" content="width=device-width, initial-scale=1">
<title>converge</title>
<style>${consoleTexts().style}</style>
</head>
<body>
<div id="app"></div>
${body}<script>${consoleTexts().script}</script>
</body>
</html>
`

/**
 * The policy of the page: it may run its own script, use its own style, ask the addresses that `connect` names, and start the
 * layout engine from those that `worker` names.
 */
const policyOf = (connect: string, worker: string): ReadonlyArray<string> => {
  const { script, style } = consoleTexts()
  return [
    "default-src 'none'",
    `script-src '${hashed(script)}'`,
    `worker-src ${worker}`,
    `style-src '${hashed(style)}'`,
    `connect-src ${connect}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'"
  ]
}

/** Makes the page that a server serves. */
export const consolePage = (): ConsolePage => ({
  html: documentOf("", ""),
  policy: [...policyOf("'self'", "'self'"), "frame-ancestors 'none'"].join("; ")
})

/**
 * Makes a page that shows a recorded job: one file that needs no server, and asks none. Its policy stands in the file, which
 * begins with it. The layout engine is in the file if there is a graph to lay out.
 */
export const consoleFile = (record: JobRecord): string => {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policyOf("'none'", "blob:").join("; ")}">\n`
  // A script ends at its first "</script", also within a string.
  const data = JSON.stringify(record).replaceAll("<", "\\u003c")
  const engine =
    record.programs.length === 0 ? "" : `<script type="text/plain" id="layout">${consoleLayout()}</script>\n`
  const body = `<script type="application/json" id="record">${data}</script>\n${engine}`
  return documentOf(meta, body)
}
