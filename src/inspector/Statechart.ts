/**
 * Shows an XState machine to readers: as a Mermaid diagram, and as the JSON that Stately's tools import.
 *
 * Documents embed the text of `toMermaid`, and GitHub draws it. `toJson` returns the machine's config without its code;
 * `createMachine` and the import of Stately's editor accept it. Both are deterministic: equal machines give equal text.
 *
 * Boundary: pure; loads no inspector and opens nothing.
 */
import type { AnyStateMachine } from "xstate"
import { definitionOf } from "./definition.ts"
import type { JsonObject } from "./plain.ts"

export { type MermaidOptions, toMermaid } from "./mermaid.ts"
export type { Json, JsonObject } from "./plain.ts"

/**
 * Returns the machine's config as plain JSON, with the names of its implementations. To print it, use
 * `JSON.stringify(toJson(machine), null, 2)`.
 */
export const toJson = (machine: AnyStateMachine): JsonObject => definitionOf(machine.config)
