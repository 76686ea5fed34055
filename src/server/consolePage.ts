/**
 * The page of the console: one document with its style and its script. It loads nothing else but its layout engine, and asks only the
 * API of its own server.
 *
 * Invariant: its policy names the style, the script and the layout engine by their hashes, so no text of a fact can ever run.
 * Boundary: text; src/inspector/console has the sources, consoleTexts.ts what the build made of them.
 */
import { sha256 } from "../values/sha256.ts"
import { consoleTexts } from "./consoleTexts.ts"

const hashed = (text: string): string => `sha256-${Buffer.from(sha256(text), "hex").toString("base64")}`

export interface ConsolePage {
  readonly html: string
  /** The content security policy: the page may run its own scripts, and ask this server. */
  readonly policy: string
}

/** Makes the page. `data`: a recorded job, for a page that asks no server. */
export const consolePage = (data?: string): ConsolePage => {
  const { layoutHash, script, style } = consoleTexts()
  // A script ends at its first "</script", also within a string.
  const record = data === undefined ? "" : `<script type="application/json" id="record">${data.replaceAll("<", "\\u003c")}</script>\n`
  const html = `<!doctype html>
<html lang="en" data-layout="${layoutHash}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>converge</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
${record}<script>${script}</script>
</body>
</html>
`
  const policy = [
    "default-src 'none'",
    `script-src '${hashed(script)}' '${layoutHash}'`,
    `style-src '${hashed(style)}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
  return { html, policy }
}
