/**
 * Many parts of a view without a long task of the page's thread: a few are drawn with each frame, and a part whose inputs are
 * what they were is passed over when the view is drawn anew.
 *
 * Boundary: counts and remembers; views draw.
 */
import { useSignal } from "@preact/signals"
import type { VNode } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { nextFrame } from "./browser.ts"

/** How many of so many parts are drawn: a step more with each frame. Parts that come later are drawn in steps, too. */
export const useGradually = (count: number, step: number): number => {
  const drawn = useSignal(step)
  const isWhole = drawn.value >= count
  useEffect(() => (isWhole ? undefined : nextFrame(() => (drawn.value += step))), [isWhole, drawn.value])
  return Math.min(drawn.value, count)
}

interface Kept {
  readonly inputs: ReadonlyArray<unknown>
  readonly node: VNode
}

/** Makes the part of a key, or gives the one that was made of the same inputs. Functions that it is given must not grow old. */
export const useKept = (): ((key: string, inputs: ReadonlyArray<unknown>, make: () => VNode) => VNode) => {
  const kept = useRef(new Map<string, Kept>())
  return (key, inputs, make) => {
    const before = kept.current.get(key)
    if (before?.inputs.every((input, place) => input === inputs[place]) === true) return before.node
    const node = make()
    kept.current.set(key, { inputs, node })
    return node
  }
}

/** A function that is always the same, and calls the newest. */
export const useNewest = <A extends ReadonlyArray<unknown>>(body: (...args: A) => void): ((...args: A) => void) => {
  const newest = useRef(body)
  newest.current = body
  const same = useRef((...args: A) => newest.current(...args))
  return same.current
}
