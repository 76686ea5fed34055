/**
 * The texts of the console: its script and its style.
 *
 * A build puts the texts into the compiled modules (.ci/console.mjs), so the published server reads no file for them. Where
 * the package runs from its sources, the texts are those of the last build. The layout engine is large, so it is a module of
 * its own (consoleLayout.ts). Boundary: text.
 */
import { readFileSync } from "node:fs"

export interface ConsoleTexts {
  readonly script: string
  readonly style: string
}

/** Reads a text of the last build. */
export const readBuilt = (name: string): string => {
  try {
    return readFileSync(new URL(`../../dist/console/${name}`, import.meta.url), "utf8")
  } catch {
    throw new Error(`the console is not built: run \`npm run build\` (dist/console/${name} is missing)`)
  }
}

let texts: ConsoleTexts | undefined

/** Reads the texts once. */
export const consoleTexts = (): ConsoleTexts =>
  (texts ??= {
    script: readBuilt("console.js"),
    style: readBuilt("console.css")
  })
