/**
 * The compiler that `npm run check` runs is the patched one: an Effect that nobody runs is an error. The plain compiler
 * accepts it, so without this test a lost patch would go unnoticed.
 */
import { expect, it } from "vitest"
import { compile } from "./support/compile.ts"

const example = (statement: string) => `
  import * as Effect from "effect/Effect"
  export const program = Effect.gen(function* () {
    ${statement}
  })
`

it("a floating Effect fails the check", () => {
  const { status, stdout } = compile(example('Effect.log("lost")'))
  expect(stdout).toContain("floatingEffect")
  expect(stdout).toContain("example.ts(4,5)")
  expect(status).not.toBe(0)
})

it("the same Effect passes when it is yielded", () => {
  expect(compile(example('yield* Effect.log("run")'))).toMatchObject({ status: 0, stdout: "" })
})
