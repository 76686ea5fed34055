/**
 * The cases in which `npm run bench:against` compares two packages. Each is a contender of a benchmark, by its name, so its
 * workload is that of the benchmark.
 *
 * Invariant: a case uses public names of the package only, since the files inside of two packages may differ.
 */

export interface Case {
  readonly name: string
  readonly title: string
  readonly benchmark: string
  readonly contender: string
  readonly metric: string
  /** How often each package is measured in a round. Short measurements are repeated more often. */
  readonly samples: number
  /** The results of the two packages may differ. Default: a difference is an error. */
  readonly mayDiffer?: boolean
  /** Child processes do the work, so the CPU time of the measuring process does not count it. */
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
