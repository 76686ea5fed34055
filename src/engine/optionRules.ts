/**
 * The rules for the options of an engine, of a start and of a fork.
 *
 * Boundary: tables, and the checks that concern several options. options.ts has the types; values/options.ts applies the tables.
 */
import { isHandler } from "../intents/IntentHandler.ts"
import { refusalOfAttributes } from "../program/attributes.ts"
import { compiledOf } from "../program/erased.ts"
import { isProgram, type Program } from "../program/Program.ts"
import {
  anything,
  both,
  checkOptions,
  complaintOf,
  count,
  duration,
  invalidOptions,
  listOf,
  must,
  type Rule,
  type Rules,
  whole
} from "../values/options.ts"
import type { EngineOptions, ForkOptions, StartOptions } from "./options.ts"

type Options = EngineOptions<Program.Any, unknown>

const programs = listOf("programs", "a program: it was not made by Program.make", isProgram)

/** Refuses two handlers of one kind, since only one of them would be called. */
const onePerKind: Rule = (option, value) => {
  const kinds = new Set<string>()
  for (const { kind } of (value as ReadonlyArray<unknown>).filter(isHandler)) {
    if (kinds.has(kind)) return { option, message: `there are two handlers of ${JSON.stringify(kind)} in ${option}` }
    kinds.add(kind)
  }
  return undefined
}

const engineRules: Rules<Options> = {
  programs,
  children: programs,
  handlers: both(listOf("handlers", "a handler: it was not made by Engine.handler", isHandler), onePerKind),
  maxRunningJobs: count(1),
  maxQueuedJobs: count(0),
  maxLiveContextBytes: count(0),
  maxChildJobs: count(1),
  maxDepth: count(0),
  maxDescendants: count(0),
  maxAttempts: count(1),
  fiberConcurrency: count(1),
  drainTimeout: duration()
}

/**
 * Checks the options of an engine. It also refuses two programs of one name, because a job could continue with the wrong one.
 *
 * @throws InvalidOptions for the first invalid option
 */
export const checkEngine = (options: Options): void => {
  const of = "Engine.layer"
  checkOptions(of, options, engineRules)
  const byName = new Map<string, Program.Any>()
  for (const option of ["programs", "children"] as const) {
    for (const program of options[option] ?? []) {
      const other = byName.get(program.name)
      if (other !== undefined && compiledOf(other) !== compiledOf(program)) {
        const message = `${option} has another program that is called ${JSON.stringify(program.name)}`
        throw invalidOptions(of, { option, message })
      }
      byName.set(program.name, program)
    }
  }
}

const isContext = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "marks" in value && value.marks instanceof Map

const attributes: Rule = (option, value) => {
  const message = value === undefined ? undefined : refusalOfAttributes(value)
  return message === undefined ? undefined : { option, message }
}

/** `resolveBudget` judges a budget, and `unfitId` an id. */
const startRules: Rules<StartOptions> = {
  attributes,
  id: anything,
  budget: anything,
  context: must("the context of a result", isContext)
}

const forkRules: Rules<ForkOptions<never, unknown>> = {
  attributes,
  at: whole(0),
  facts: anything,
  input: anything,
  id: anything,
  budget: anything
}

/** Returns the complaint about the options of a start, or undefined if they are valid. */
export const refuseStart = (options: unknown): string | undefined => complaintOf(options, startRules)?.message

export const refuseFork = (options: unknown): string | undefined => complaintOf(options, forkRules)?.message
