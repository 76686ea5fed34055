/** The programs of the server, as a page that stays open knows them. */
import { expect, it, vi } from "vitest"
import { stubWindow } from "../support/browser/window.ts"

interface Store {
  readonly needPrograms: () => Promise<void>
  readonly programs: { readonly value: ReadonlyArray<{ readonly name: string }> }
}

it("are asked for once, and again when the server comes back", async () => {
  let [asked, name, isAway] = [0, "old", false]
  stubWindow("#/jobs", (path) => {
    if (isAway) throw new Error("the server is away")
    if (path === "programs") asked++
    return path === "programs" ? { programs: [{ name }] } : {}
  })
  const { needPrograms, programs } = await vi.importActual<Store>("../../src/inspector/console/jobStore.ts")
  const { ask } = await vi.importActual<{ readonly ask: (path: string) => Promise<unknown> }>(
    "../../src/inspector/console/api.ts"
  )
  await needPrograms()
  await needPrograms()
  expect([programs.value, asked]).toEqual([[{ name: "old" }], 1])
  isAway = true
  await ask("jobs")
  isAway = false
  name = "new"
  await needPrograms()
  expect([programs.value, asked]).toEqual([[{ name: "new" }], 2])
})
