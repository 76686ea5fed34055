/**
 * A machine's definition as plain JSON: the config that its author wrote, without the code in it.
 *
 * This is what Stately imports (`createMachine(<json>)`), and what an `@xstate.actor` message carries as `definition`.
 * Implementations are named: a function becomes `{"type": "<its name>"}`. Expressions that draw nothing (`context`,
 * `input`, `output` and `params` as functions) are left out.
 *
 * Invariants: deterministic (known keys in one fixed order, states and events as declared); the JSON is itself a
 * config that `createMachine` accepts, with the same states and transitions. Boundary: values in, values out.
 */
import * as Predicate from "effect/Predicate"
import { type Json, type JsonObject, plain } from "./plain.ts"

/** The definition of a machine's config, as `machine.config` holds it. Anything that is no object has an empty one. */
export const definitionOf = (config: unknown): JsonObject => (isRecord(config) ? state(config) : {})

/** The name of an action, guard, delay or actor as a config may give it: a name, `{type}`, a function, `and([...])`. */
export const nameOf = (implementation: unknown): string => {
  if (typeof implementation === "string" || typeof implementation === "number") return String(implementation)
  if (Predicate.hasProperty(implementation, "guards") && Array.isArray(implementation.guards)) {
    return `${functionName(implementation)}(${implementation.guards.map(nameOf).join(", ")})`
  }
  if (Predicate.hasProperty(implementation, "type") && typeof implementation.type === "string") {
    return implementation.type
  }
  return functionName(implementation)
}

/** JavaScript names a nameless function after the key it is assigned to, which says nothing here. */
const functionName = (value: unknown): string =>
  typeof value !== "function" || keysOfCode.has(value.name) ? "inline" : value.name

const keysOfCode = new Set(["", "actions", "entry", "exit", "guard", "src"])

type Config = Readonly<Record<string, unknown>>
type Part = (value: unknown) => Json | undefined

const isRecord = (value: unknown): value is Config => Predicate.isObject(value) && !Array.isArray(value)

/** The keys that a part of a config may have, in the order in which they are written, and how each is written. */
type Grammar = ReadonlyArray<readonly [key: string, part: Part]>

const write = (grammar: Grammar, config: Config): JsonObject => {
  const written: Record<string, Json> = {}
  for (const [key, part] of grammar) {
    if (config[key] === undefined) continue
    const json = part(config[key])
    if (json !== undefined) written[key] = json
  }
  return written
}

const literal: Part = (value) => (typeof value === "function" ? undefined : plain(value))

const many =
  (part: Part): Part =>
  (value) =>
    Array.isArray(value) ? value.map((item) => part(item) ?? null) : part(value)

const each =
  (part: Part): Part =>
  (value) =>
    isRecord(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, part(item) ?? {}]))
      : undefined

const implementation: Part = (value) => {
  if (typeof value === "string") return value
  if (!isRecord(value)) return { type: nameOf(value) }
  return write(
    [
      ["type", literal],
      ["params", literal]
    ],
    { ...value, type: nameOf(value) }
  )
}

/** `EVENT: undefined` forbids an event, which JSON can only say as a transition without a target. */
const transition: Part = (value) => {
  if (typeof value === "string") return value
  return isRecord(value) ? write(transitionGrammar, value) : {}
}

const transitions = many(transition)

const transitionGrammar: Grammar = [
  ["target", literal],
  ["guard", implementation],
  ["actions", many(implementation)],
  ["reenter", literal],
  ["description", literal],
  ["meta", literal]
]

const invocation: Part = (value) => (isRecord(value) ? write(invokeGrammar, value) : undefined)

const invokeGrammar: Grammar = [
  ["id", literal],
  ["systemId", literal],
  ["src", nameOf],
  ["input", literal],
  ["onDone", transitions],
  ["onError", transitions],
  ["onSnapshot", transitions]
]

const state = (config: Config): JsonObject => write(stateGrammar, config)

const stateGrammar: Grammar = [
  ["id", literal],
  ["version", literal],
  ["description", literal],
  ["type", literal],
  ["context", literal],
  ["initial", (value) => (typeof value === "string" ? value : transition(value))],
  ["history", literal],
  ["target", literal],
  ["tags", literal],
  ["meta", literal],
  ["entry", many(implementation)],
  ["exit", many(implementation)],
  ["invoke", many(invocation)],
  ["always", transitions],
  ["on", each(transitions)],
  ["after", each(transitions)],
  ["onDone", transitions],
  ["output", literal],
  ["states", each((value) => (isRecord(value) ? state(value) : {}))]
]
