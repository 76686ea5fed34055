/**
 * The package as the benchmarks see it: the built one, since that one is published, with the types of the sources, so
 * that the type check needs no build. Programs with CPU agents import it from here too: one copy in each thread.
 *
 * Boundary: the only file of test/bench that knows the files of the package; framework/packageFolder.ts says which
 * package it is. `internal` has modules that no user can reach, for figures of one layer alone.
 */
import { pathToFileURL } from "node:url"
import type * as Source from "../../src/index.ts"
import { packageFolder } from "./framework/packageFolder.ts"

const built = pathToFileURL(`${packageFolder}/dist/`)

const loadBuilt = <Module>(path: string): Promise<Module> =>
  import(new URL(`${path}.js`, built).href) as Promise<Module>

const load = <Module>(path: string): Promise<Module> => loadBuilt(`src/${path}`)

const root = await load<typeof Source>("index")

export const Agent: typeof Source.Agent = root.Agent
export const Engine: typeof Source.Engine = root.Engine
export const Fact: typeof Source.Fact = root.Fact
export const Fold: typeof Source.Fold = root.Fold
export const JobStore: typeof Source.JobStore = root.JobStore
export const Program: typeof Source.Program = root.Program
export const WorkerPool: typeof Source.WorkerPool = root.WorkerPool

/** The server of jobs over HTTP, which the root does not load. */
export const server = () => load<typeof import("../../src/server/index.ts")>("server/index")

/** Modules that a figure may take apart, loaded when it does. */
export const internal = {
  budget: () => load<typeof import("../../src/program/resolveBudget.ts")>("program/resolveBudget"),
  limits: () => load<typeof import("../../src/cycle/sharedBudget.ts")>("cycle/sharedBudget"),
  context: () => load<typeof import("../../src/context/Ledger.ts")>("context/Ledger"),
  convergence: () => load<typeof import("../../src/cycle/convergence.ts")>("cycle/convergence"),
  definitions: () => load<typeof import("../../src/program/erased.ts")>("program/erased"),
  effects: () => load<typeof import("../../src/cycle/encodeEffect.ts")>("cycle/encodeEffect"),
  eligibility: () => load<typeof import("../../src/cycle/eligibility.ts")>("cycle/eligibility"),
  journal: () => load<typeof import("../../src/journal/rowText.ts")>("journal/rowText"),
  machine: () => loadBuilt<typeof import("../../machines/job.machine.ts")>("machines/job.machine"),
  merge: () => load<typeof import("../../src/cycle/merge.ts")>("cycle/merge"),
  quickSteps: () => loadBuilt<typeof import("../../machines/quickSteps.ts")>("machines/quickSteps"),
  steps: () => load<typeof import("../../src/values/steps.ts")>("values/steps"),
  sha256: () => load<typeof import("../../src/values/sha256.ts")>("values/sha256"),
  view: () => load<typeof import("../../src/context/contextView.ts")>("context/contextView")
}
