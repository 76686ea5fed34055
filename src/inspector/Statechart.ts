/**
 * An XState machine for readers: a Mermaid diagram, and the JSON that Stately's tools import.
 *
 * `toMermaid` is what documents embed (GitHub draws it); `toJson` is the machine's config without its code, accepted by
 * `createMachine` and by the import of Stately's editor. Both are deterministic: equal machines give equal text.
 *
 * Boundary: pure; loads no inspector and opens nothing.
 */
import type { AnyStateMachine } from "xstate"
import { definitionOf } from "./definition.ts"
import type { JsonObject } from "./plain.ts"

export { type MermaidOptions, toMermaid } from "./mermaid.ts"
export type { Json, JsonObject } from "./plain.ts"

/** The machine's config as plain JSON, implementations named; `JSON.stringify(toJson(machine), null, 2)` prints it. */
export const toJson = (machine: AnyStateMachine): JsonObject => definitionOf(machine.config)
