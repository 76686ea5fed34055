/**
 * Preloaded: lists on a thread what Node's resolver is asked for, by whom, and what it answers. Hooks that are registered
 * later come before this one, so what they answer is not listed.
 */
import { writeFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { isMainThread } from "node:worker_threads"

export interface Asked {
  readonly specifier: string
  readonly parent: string
  readonly url: string
}

const asked: Array<Asked> = []
Object.defineProperty(globalThis, Symbol.for("test/asked"), { value: asked })

registerHooks({
  resolve: (specifier, context, next) => {
    const result = next(specifier, context)
    asked.push({ specifier, parent: context.parentURL ?? "", url: result.url })
    return result
  }
})

const file = process.env["TEST_ASKED"]
if (isMainThread && file !== undefined) process.on("exit", () => writeFileSync(file, JSON.stringify(asked)))
