/**
 * The main of a process that measures one benchmark and sends its outcome to the process that started it. Each has
 * a process of its own, so that no benchmark finds the heap and the compiled code of another.
 */
import { measure, type Outcome } from "./measure.ts"
import { load } from "./registry.ts"

export interface Order {
  readonly name: string
  readonly isTiny: boolean
  readonly rounds: number | undefined
}

export type Message =
  | { readonly _tag: "Round"; readonly round: number; readonly rounds: number }
  | { readonly _tag: "Done"; readonly outcome: Outcome }
  | { readonly _tag: "Failed"; readonly message: string }

const tell = (message: Message): Promise<void> => new Promise((resolve) => process.send!(message, () => resolve()))

process.once("message", (order: Order) => {
  const onRound = (round: number, rounds: number) => void tell({ _tag: "Round", round, rounds })
  load(order.name)
    .then((benchmark) => measure(benchmark, { ...order, onRound }))
    .then((outcome) => tell({ _tag: "Done", outcome }))
    .catch((error: unknown) => {
      // Errors of jobs have no stack.
      const message = error instanceof Error ? error.stack || String(error) : JSON.stringify(error)
      return tell({ _tag: "Failed", message })
    })
    .finally(() => process.exit())
})
