/**
 * A machine's definition as plain JSON: its author's config, without the code in it.
 *
 * Stately imports this JSON (`createMachine(<json>)`), and an `@xstate.actor` message carries it as `definition`. A function
 * becomes `{"type": "<its name>"}`. Functions that a diagram does not show are left out: those for `context`, `input`, `output`
 * and `params`.
 *
 * Invariants: equal configs give equal JSON, with known keys in one fixed order, and states and events as declared;
 * `createMachine` accepts the JSON as a config with the same states and transitions. Boundary: values in, values out.
 */
import * as Predicate from "effect/Predicate"
import { type Json, type JsonObject, plain } from "./plain.ts"

/** Returns the definition of a machine's config (`machine.config`). Any other value than an object has an empty definition. */
export const definitionOf = (config: unknown): JsonObject => (isRecord(config) ? state(config) : {})

/** Returns the name of an action, guard, delay or actor. A config gives a name, `{type}`, a function or `and([...])`. */
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

/** JavaScript names an anonymous function after its key. Such a name says nothing, so it becomes `inline`. */
const functionName = (value: unknown): string =>
  typeof value !== "function" || keysOfCode.has(value.name) ? "inline" : value.name

const keysOfCode = new Set(["", "actions", "entry", "exit", "guard", "src"])

type Config = Readonly<Record<string, unknown>>
type Part = (value: unknown) => Json | undefined

const isRecord = (value: unknown): value is Config => Predicate.isObject(value) && !Array.isArray(value)

/** The keys of a part of a config, in the order of writing, each with the function that writes its value. */
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

/** `EVENT: undefined` forbids an event. In JSON, that is a transition without a target. */
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
