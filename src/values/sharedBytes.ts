/**
 * Large binary values, shared between threads instead of copied.
 *
 * A typed array of `Limits.sharedBytes` bytes or more in a committed value lies in a SharedArrayBuffer, the same one on every
 * thread. A worker is sent the value's text with those arrays taken out (`takeOut`), and the arrays beside it; the worker puts
 * them back (`putBack`). Places are counted in the order of a value's own keys, which is the same on every thread that
 * decodes the canonical text.
 *
 * Boundary: walks values; knows nothing of schemas and threads.
 */
import * as Option from "effect/Option"
import { Limits } from "../Limits.ts"

/** A typed array in shared memory, and its place among all typed arrays of its value. */
export type SharedPart = readonly [place: number, bytes: ArrayBufferView]

type View = ArrayBufferView & { readonly byteLength: number }

const isLarge = (view: View): boolean => view.byteLength >= Limits.sharedBytes

const isShared = (view: View): boolean => view.buffer instanceof SharedArrayBuffer

/** A view of the same type over other bytes. A `Buffer`, which is Node's own type, becomes a `Uint8Array`. */
const viewLike = (view: View, buffer: ArrayBufferLike): View => {
  if (view instanceof DataView) return new DataView(buffer)
  const constructor = view instanceof Buffer ? Uint8Array : view.constructor
  return Reflect.construct(constructor, [buffer]) as View
}

/** The same bytes in shared memory, if there are `Limits.sharedBytes` or more; the same object otherwise. */
const share = (view: View): View => {
  if (!isLarge(view) || isShared(view)) return view
  const buffer = new SharedArrayBuffer(view.byteLength)
  new Uint8Array(buffer).set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  return viewLike(view, buffer)
}

/** Plain objects, arrays and Options only. A class may depend on its contents, so its instances are not taken apart. */
const isOpen = (value: object): boolean => {
  if (Array.isArray(value) || Option.isOption(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Replaces some typed arrays of a value: those in plain objects, arrays and Options. Only the objects around them are copied. If
 * nothing is replaced, the result is the same value.
 */
const replaced = (value: unknown, replace: (view: View) => View): unknown => {
  if (value === null || typeof value !== "object") return value
  if (ArrayBuffer.isView(value)) return replace(value)
  if (!isOpen(value)) return value
  let copy: object | undefined
  for (const key of Object.keys(value)) {
    const item: unknown = Reflect.get(value, key)
    const other = replaced(item, replace)
    if (other === item) continue
    copy ??= Array.isArray(value)
      ? [...value]
      : (Object.assign(Object.create(Object.getPrototypeOf(value) as object | null), value) as object)
    Reflect.set(copy, key, other)
  }
  return copy ?? value
}

/** A value with its large typed arrays in shared memory. */
export const shareLarge = (value: unknown): unknown => replaced(value, share)

/** A value's shared arrays, and the value with an empty array in the place of each. Undefined if it has none. */
export const takeOut = (
  value: unknown
): { readonly rest: unknown; readonly parts: ReadonlyArray<SharedPart> } | undefined => {
  const parts: Array<SharedPart> = []
  let place = 0
  const rest = replaced(value, (view) => {
    const at = place++
    if (!isShared(view)) return view
    parts.push([at, view])
    return viewLike(view, new ArrayBuffer(0))
  })
  return parts.length === 0 ? undefined : { rest, parts }
}

/** Puts shared arrays back in their places: the inverse of `takeOut`. */
export const putBack = (rest: unknown, parts: ReadonlyArray<SharedPart>): unknown => {
  let place = 0
  let next = 0
  return replaced(rest, (view) => (parts[next]?.[0] === place++ ? parts[next++]![1] : view))
}
