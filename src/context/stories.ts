/**
 * Stories: the traces of a job's executions, and what triggered its agents. Boundary: data.
 */
import { type FactRef } from "../program/Fact.ts"
import { namePart, refKey } from "../program/keys.ts"

/** The part of a job's provenance that is not in its facts. */
export interface Story {
  /** The version that the job ended with. */
  readonly version: number
  /** The traces by `traceKey`. */
  readonly traces: ReadonlyMap<string, unknown> | undefined
  /** The names of the kinds that trigger each agent, by the agent's name. `causesOf` needs them. */
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
}

/** The name of an execution among the traces of one job. */
export const traceKey = (cycle: number, agent: string, each: FactRef | undefined): string =>
  `${cycle}/${namePart(agent)}${each === undefined ? "" : `/${refKey(each)}`}`
