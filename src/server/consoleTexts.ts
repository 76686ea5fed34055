/**
 * The texts of the console: its script, its style, and its layout engine.
 *
 * A build puts the texts into the compiled module (.ci/console.mjs), so the published server reads no file for them. Where the package
 * runs from its sources, the texts are those of the last build. Boundary: text.
 */
import { readFileSync } from "node:fs"

export interface ConsoleTexts {
  readonly script: string
  readonly style: string
  readonly layout: string
}

const read = (name: string): string => {
  try {
    return readFileSync(new URL(`../../dist/console/${name}`, import.meta.url), "utf8")
  } catch {
    throw new Error(`the console is not built: run \`npm run build\` (dist/console/${name} is missing)`)
  }
}

let texts: ConsoleTexts | undefined

/** Reads the texts once. */
export const consoleTexts = (): ConsoleTexts =>
  (texts ??= { script: read("console.js"), style: read("console.css"), layout: read("layout.js") })
