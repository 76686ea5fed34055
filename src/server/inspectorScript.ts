/**
 * The text of the inspector page's script, inspector.browser.js.
 *
 * A build writes the text into the compiled module (.ci/bundle.mjs), so the published server reads no file for it. Where the
 * package runs from its sources, the file is read when this module loads. Boundary: text.
 */
import { readFileSync } from "node:fs"

export const inspectorScript = readFileSync(new URL("./inspector.browser.js", import.meta.url), "utf8")
