/** The claims of threads to tasks, as they settle them among themselves in shared memory. */
import { describe, expect, it } from "@effect/vitest"
import { claim, claimedBy, close, makeClaims, passedOver, unclaimed, withdraw } from "../../src/workers/claims.ts"
import { Round } from "../../src/workers/round.ts"
import { batch, ledgerOf, task } from "../support/workers/harness.ts"

describe("claims", () => {
  it("give each task to one share, in order, and then none", () => {
    const claims = makeClaims(4)
    expect([claim(claims, 7), claim(claims, 8), claim(claims, 7), claim(claims, 8)]).toEqual([0, 1, 2, 3])
    expect([claim(claims, 7), claim(claims, 8), claim(claims, 7)]).toEqual([-1, -1, -1])
    expect([claimedBy(claims, 7), claimedBy(claims, 8)]).toEqual([
      [0, 2],
      [1, 3]
    ])
    expect(unclaimed(claims)).toBe(0)
  })

  it("pass over what was withdrawn, and end when they are closed", () => {
    const claims = makeClaims(5)
    expect([withdraw(claims, 1), withdraw(claims, 1)]).toEqual([true, false])
    expect([claim(claims, 7), claim(claims, 7)]).toEqual([0, 2])
    expect(withdraw(claims, 2)).toBe(false)
    expect(unclaimed(claims)).toBe(2)
    close(claims)
    expect([unclaimed(claims), claim(claims, 7)]).toEqual([0, -1])
  })

  it("lose no task of a thread that is ended between its two steps", () => {
    const claims = makeClaims(3)
    // The first step of `claim`; the second one never comes.
    Atomics.add(claims, 0, 1)
    expect(claim(claims, 7)).toBe(1)
    expect(passedOver(claims)).toEqual([0])
    expect(withdraw(claims, 0)).toBe(true)
    expect(passedOver(claims)).toEqual([])
  })

  it("stay right however often a thread asks in vain", () => {
    const claims = makeClaims(1)
    for (let i = 0; i < 10_000; i++) claim(claims, 7)
    expect(claims[0]).toBeLessThan(10)
  })
})

describe("a round", () => {
  const items = ["0", "1", "2", "3"]
  const round = (agents: ReadonlyArray<string>) => {
    const tasks = agents.flatMap((agent) => (agent === "look" ? [task(agent)] : items.map((id) => task(agent, id, 3))))
    return new Round(
      batch(ledgerOf(), tasks),
      tasks.map((_, index) => index)
    )
  }

  it("names tasks by agent, each with its ids", () => {
    const [square, look] = [task("square", "0").agentIndex, task("look").agentIndex]
    expect(JSON.parse(round(["square", "look", "look"]).text)).toEqual([
      [square, "square", 3, "Item", items],
      [look, "look", 0, null, null],
      [look, "look", 0, null, null]
    ])
  })

  it("of one task belongs to the share that joins", () => {
    const one = round(["look"])
    expect([one.claims, one.unclaimed, one.isOver]).toEqual([undefined, 1, false])
    one.join(9)
    expect([one.unclaimed, one.claimedBy(9), one.claimedBy(8), one.withdraw(() => true)]).toEqual([0, [0], [], []])
    one.leave()
    expect(one.isOver).toBe(true)
    const never = round(["look"])
    expect(never.withdraw(() => true)).toEqual([0])
    expect(never.unclaimed).toBe(0)
  })

  it("gives up the tasks that are asked for, and keeps the others", () => {
    const many = round(["square", "look"])
    many.join(5)
    claim(many.claims!, 5)
    expect(many.withdraw((index) => index % 2 === 0)).toEqual([2, 4])
    expect([claim(many.claims!, 5), claim(many.claims!, 5), claim(many.claims!, 5)]).toEqual([1, 3, -1])
    expect(many.claimedBy(5)).toEqual([0, 1, 3])
  })
})
