/**
 * Stories: the traces of a job's executions, and what triggered its agents. Boundary: types.
 */
/** The part of a job's provenance that is not in its facts. */
export interface Story {
  /** The version that the job ended with. */
  readonly version: number
  /** The traces, by `traceKey` (program/keys.ts). */
  readonly traces: ReadonlyMap<string, unknown> | undefined
  /** The names of the kinds that trigger each agent, by the agent's name. `causesOf` needs them. */
  readonly triggers: ReadonlyMap<string, ReadonlyArray<string>>
}
