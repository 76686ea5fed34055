/** Drives the pool's port directly: a ledger by hand, batches of tasks. */
import * as Layer from "effect/Layer"
import { Fact, type JobContext, type JobError, type Program, WorkerPool } from "../../../src/index.ts"
import type { CpuBatch, CpuOutcome, CpuTask } from "../../../src/workers/WorkerPool.ts"
import { hazards, Item } from "./programs.ts"
import { Ledger } from "../../../src/context/Ledger.ts"
import { type CompiledProgram, compiledOf, eraseKind } from "../../../src/program/erased.ts"
import type { EncodedEffect } from "../../../src/program/encoded.ts"

export const program: CompiledProgram = compiledOf(hazards)

const seed: Omit<Fact.Provenance, "version"> = {
  cycle: 0,
  origin: "seed",
  agent: "",
  each: undefined,
  since: 0,
  until: 0
}

export const newLedger = (base?: JobContext.JobContext, of: CompiledProgram = program): Ledger =>
  Ledger.make(of.name, new Map(), base)

/** Adds a fact, as the merge would. */
export const put = <K extends Fact.Kind.Any>(
  ledger: Ledger,
  kind: K,
  value: Fact.Kind.Value<K>,
  by: Partial<Omit<Fact.Provenance, "version">> = {}
): void => {
  const erased = eraseKind(kind)
  const encoded = erased.codec.encode(value)
  ledger.add(erased, erased.id(encoded.value), encoded.value, encoded.text, { ...seed, ...by })
}

/** A ledger with items of the given sizes, called "0", "1", ... */
export const ledgerOf = (...sizes: ReadonlyArray<number>): Ledger => {
  const ledger = newLedger()
  sizes.forEach((size, index) => put(ledger, Item, { id: String(index), size }))
  return ledger
}

/** The task of an agent, for an item if one is named. */
export const task = (agent: string, item?: string, since = 0, of: CompiledProgram = program): CpuTask => {
  const agentIndex = of.agents.findIndex((candidate) => candidate.name === agent)
  const found = of.agents[agentIndex]
  if (found === undefined) throw new Error(`there is no agent ${agent}`)
  return { agent: found, agentIndex, each: item === undefined ? undefined : { kind: "Item", id: item }, since }
}

export const batch = (
  ledger: Ledger,
  tasks: ReadonlyArray<CpuTask>,
  options: Partial<Omit<CpuBatch, "ledger" | "tasks">> = {}
): CpuBatch => ({
  jobId: "job",
  program,
  cycle: 1,
  cpuBudgetMs: Infinity,
  onProgress: undefined,
  ledger,
  tasks,
  ...options
})

export const execute = (it: CpuBatch) => WorkerPool.WorkerPool.use((pool) => pool.execute(it))

/** A pool for one test. Threads do not inherit the flags of the test runner. */
export const pool = (size: number, options: WorkerPool.Options = {}): Layer.Layer<WorkerPool.WorkerPool> =>
  size === 0 ? WorkerPool.layerInline : WorkerPool.layer({ size, execArgv: [], ...options })

/** The value that a task gave in its fact, or the tag of why there is none. */
export const said = ({ result }: CpuOutcome): unknown => {
  if ("_tag" in result) return result._tag
  const value = result.facts[0]?.value as { readonly text?: string } | undefined
  return value?.text === undefined ? undefined : parsed(value.text)
}

const parsed = (text: string): unknown => JSON.parse(text) as unknown

export const causeOf = ({ result }: CpuOutcome): JobError.Cause => {
  if (!("_tag" in result)) throw new Error("the task gave an effect")
  return result
}

export const effectOf = ({ result }: CpuOutcome): EncodedEffect => {
  if ("_tag" in result) throw new Error(`the task gave ${JSON.stringify(result)}`)
  return result
}

export const compiled = (it: Program.Program.Any): CompiledProgram => compiledOf(it)
