/**
 * The layout engine of the console. It is loaded when a page first asks for it, since a server starts faster without it.
 *
 * A build puts the text into the compiled module, as it does with consoleTexts.ts. Boundary: text.
 */
import { readBuilt } from "./consoleTexts.ts"

export const consoleLayout = (): string => readBuilt("layout.js")
