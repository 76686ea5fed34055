/**
 * A CPU agent: the primes of ranges, on worker threads.
 */
import { Agent, Fact, Fold, Program } from "effect-converge"
import * as Schema from "effect/Schema"

const Range = Fact.kind("Range", {
  schema: Schema.Struct({ from: Schema.Int, to: Schema.Int }),
  id: ({ from, to }) => `${from}-${to}`
})

const Primes = Fact.kind("Primes", {
  schema: Schema.Struct({ from: Schema.Int, count: Schema.Int }),
  id: ({ from }) => String(from)
})

const Sum = Fact.kind("Sum", { schema: Schema.Struct({ count: Schema.Int }), id: () => "", conflict: "keepLast" })

const Input = Schema.Struct({ upTo: Schema.Int, parts: Schema.Int })

const isPrime = (n: number): boolean => {
  if (n < 2) return false
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}

// A plain function. One task for each range: they run on all threads at once.
const sieve = Agent.cpu("sieve", {
  each: Range,
  writes: [Primes],
  // A thread that takes longer is ended, and replaced.
  timeout: "10 seconds",
  execute: ({ value: { from, to } }) => {
    let count = 0
    for (let n = from; n < to; n++) if (isPrime(n)) count++
    return { facts: [Primes.of({ from, count })] }
  }
})

const sum = Agent.fold("sum", {
  over: Primes,
  by: () => "",
  into: Sum,
  aggregate: Fold.sum(Primes, ({ count }) => count),
  as: (_, count) => ({ count })
})

export const primes = Program.make("primes", {
  // Threads import this module, to find the function. So it only defines and exports.
  module: import.meta.url,
  input: Input,
  seed: ({ parts, upTo }) =>
    Array.from({ length: parts }, (_, part) =>
      Range.of({ from: Math.floor((upTo * part) / parts), to: Math.floor((upTo * (part + 1)) / parts) })
    ),
  agents: [sieve, sum],
  output: (view) => view.all(Sum)[0]?.value.count ?? 0
})
