/**
 * What `npm run bench:against` compares of two packages: contenders of benchmarks, by their names. Their workloads are those
 * of the benchmarks themselves.
 *
 * Invariant: a case uses public names of the package only, since two packages may have their insides in different files.
 */

export interface Case {
  readonly name: string
  readonly title: string
  readonly benchmark: string
  readonly contender: string
  readonly metric: string
  /** Times that each package is measured in each round: more of what is over soon. */
  readonly samples: number
  /** Two packages may well compute something else here. Default: they may not. */
  readonly mayDiffer?: boolean
  /** The work is done in child processes, so that CPU time of the process says nothing of it. */
  readonly isInOtherProcess?: boolean
}

export const cases: ReadonlyArray<Case> = [
  {
    name: "cycle-empty",
    title: "an empty cycle of 8 agents",
    benchmark: "cycle-empty",
    contender: "ours",
    metric: "cycle",
    samples: 30
  },
  {
    name: "fanout",
    title: "a job of one cycle with 1,000 tasks",
    benchmark: "fanout",
    contender: "ours",
    metric: "job",
    samples: 30
  },
  {
    name: "cpu-64",
    title: "a whole cycle of 64 CPU tasks",
    benchmark: "cpu-64",
    contender: "cycle",
    metric: "batch",
    samples: 24
  },
  {
    name: "delta-small",
    title: "a cycle that adds 10 facts to 1,000",
    benchmark: "delta",
    contender: "small",
    metric: "cycle",
    samples: 16
  },
  {
    name: "delta-large",
    title: "a cycle that adds 10 facts to 100,000",
    benchmark: "delta",
    contender: "large",
    metric: "cycle",
    samples: 4
  },
  {
    name: "durable-32",
    title: "a durable cycle, 32 jobs at a time",
    benchmark: "durable-32",
    contender: "ours",
    metric: "step",
    samples: 12
  },
  {
    name: "import",
    title: "import of the package",
    benchmark: "start",
    contender: "import",
    metric: "inside",
    samples: 4,
    // The names that it exports.
    mayDiffer: true,
    isInOtherProcess: true
  }
]
