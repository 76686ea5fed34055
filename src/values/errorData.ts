/**
 * Describes errors as data: names, messages, own fields and causes, as plain JSON of a bounded size.
 *
 * Any value can be thrown, and reading it may throw again. If JSON cannot hold a part, a text describes that part, and the
 * other parts are unchanged. Stacks are left out, because they name files of this machine, and only the terminal and the log
 * may show them. Keys that begin with "~" are left out, because libraries mark their types with them.
 *
 * Invariants: a description depends on the value alone; `Limits` bounds its depth, its values and its characters (G14).
 * Boundary: never throws; loads nothing but `Limits` and thrown.ts.
 */
import { Limits } from "../Limits.ts"
import { isError, isInstance, readField, stackPattern } from "./thrown.ts"

/** A value that JSON can hold. */
export type PlainJson =
  | string
  | number
  | boolean
  | null
  | ReadonlyArray<PlainJson>
  | { readonly [key: string]: PlainJson }

/** The form of an error, from which the error can be made again. No described value has this key. */
export interface ErrorForm {
  readonly "~error": {
    readonly name: string
    readonly message: string
    readonly fields: { readonly [key: string]: Form }
    readonly cause?: Form
    readonly errors?: ReadonlyArray<Form>
  }
}

/** A description of a value: JSON that distinguishes errors from other objects. */
export type Form = string | number | boolean | null | ReadonlyArray<Form> | { readonly [key: string]: Form } | ErrorForm

const cutMark = "…"
const circularMark = "[circular]"

/** The fields of an error that have their own place in the form, or are left out. */
const ownWords = new Set(["name", "message", "stack", "cause", "errors"])

class Description {
  #valuesLeft: number = Limits.errorValues
  #lengthLeft: number = Limits.errorLength
  /** The objects around the current value. */
  readonly #around: Array<object> = []

  /** Describes a value. Returns undefined if JSON leaves the value out of objects. */
  field(value: unknown): Form | undefined {
    switch (typeof value) {
      case "undefined":
      case "function":
      case "symbol":
        return undefined
      default:
        return this.value(value)
    }
  }

  value(value: unknown): Form {
    if (this.#valuesLeft-- <= 0) return cutMark
    switch (typeof value) {
      case "string":
        return this.#text(value)
      case "number":
        return Number.isFinite(value) ? value : String(value)
      case "boolean":
        return value
      case "undefined":
        return null
      case "function":
        return "a function"
      case "object":
        return value === null ? null : this.#within(value)
      default:
        return this.#text(String(value))
    }
  }

  #text(text: string): string {
    const most = Math.max(0, Math.min(Limits.errorTextLength, this.#lengthLeft))
    this.#lengthLeft -= Math.min(text.length, most)
    return text.length <= most ? text : text.slice(0, most) + cutMark
  }

  #within(value: object): Form {
    if (this.#around.includes(value)) return circularMark
    if (this.#around.length >= Limits.errorDepth) return cutMark
    this.#around.push(value)
    try {
      return isError(value) ? this.#error(value) : this.#object(value)
    } catch {
      // The object is a revoked proxy, or a proxy that throws.
      return "an object that cannot be described"
    } finally {
      this.#around.pop()
    }
  }

  #object(value: object): Form {
    if (Array.isArray(value)) return this.#items(value)
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
    const own = jsonOf(value)
    if (typeof own !== "object" || own === null) return this.value(own)
    if (Array.isArray(own)) return this.#items(own)
    if (isInstance(own, Set) || isInstance(own, Map)) return this.#items([...own])
    return isError(own) ? this.#error(own) : this.#fields(own, false)
  }

  #items(items: ReadonlyArray<unknown>): ReadonlyArray<Form> {
    const all: Array<Form> = []
    for (let index = 0; index < items.length; index++) {
      if (this.#isFull()) return [...all, cutMark]
      all.push(this.value(readField(items, index)))
    }
    return all
  }

  #isFull(): boolean {
    return this.#valuesLeft <= 0 || this.#lengthLeft <= 0
  }

  #fields(value: object, isOfError: boolean): { readonly [key: string]: Form } {
    const fields: Array<readonly [string, Form]> = []
    for (const key of Object.keys(value)) {
      if (key.startsWith("~") || (isOfError && ownWords.has(key))) continue
      if (this.#isFull()) {
        fields.push([cutMark, cutMark])
        break
      }
      const field: unknown = readField(value, key)
      if (key === "stack" && typeof field === "string" && stackPattern.test(field)) continue
      const form = this.field(field)
      if (form !== undefined) fields.push([this.#text(key), form])
    }
    // `fromEntries` defines properties, so "__proto__" is a key like any other.
    return Object.fromEntries(fields)
  }

  /** Returns a field of an error that should be a text. Any other value becomes its JSON, and undefined becomes `otherwise`. */
  #word(error: object, key: string, otherwise: string): string {
    const form = this.field(readField(error, key)) ?? otherwise
    return typeof form === "string" ? form : JSON.stringify(plainForm(form))
  }

  #error(error: object): ErrorForm {
    const name = this.#word(error, "name", "Error")
    const message = this.#word(error, "message", "")
    const json = jsonOf(error)
    const fields = this.#fields(typeof json === "object" && json !== null && !Array.isArray(json) ? json : error, true)
    const cause = this.field(readField(error, "cause"))
    const errors: unknown = readField(error, "errors")
    return {
      "~error": {
        name,
        message,
        fields,
        ...(cause === undefined ? {} : { cause }),
        ...(Array.isArray(errors) ? { errors: this.#items(errors) } : {})
      }
    }
  }
}

/** Returns the result of an object's `toJSON`, as `JSON.stringify` uses it, or the object itself if it has no such method. */
const jsonOf = (value: object): unknown => {
  try {
    const toJson: unknown = "toJSON" in value ? value.toJSON : undefined
    return typeof toJson === "function" ? (Reflect.apply(toJson, value, [""]) as unknown) : value
  } catch {
    return value
  }
}

/** Describes any value, in the form from which errors can be made again. */
export const formOf = (value: unknown): Form => {
  const description = new Description()
  return description.field(value) ?? String(typeof value === "function" ? "a function" : value)
}

export const isErrorForm = (form: unknown): form is ErrorForm =>
  typeof form === "object" &&
  form !== null &&
  "~error" in form &&
  typeof form["~error"] === "object" &&
  form["~error"] !== null

/**
 * Converts a form for clients. An error becomes an object with its `_tag` or name as `_tag`, its own fields, its message, its
 * `cause` and its `errors`.
 */
export const plainForm = (form: Form): PlainJson => {
  if (typeof form !== "object" || form === null) return form
  if (Array.isArray(form)) return form.map((item: Form) => plainForm(item))
  if (!isErrorForm(form)) {
    return Object.fromEntries(Object.entries(form).map(([key, field]) => [key, plainForm(field)]))
  }
  const { cause, errors, fields, message, name } = form["~error"]
  const { _tag = name, ...rest } = plainForm(fields) as { readonly [key: string]: PlainJson }
  return {
    _tag,
    ...rest,
    ...(message === "" ? {} : { message }),
    ...(cause === undefined ? {} : { cause: plainForm(cause) }),
    ...(errors === undefined ? {} : { errors: errors.map(plainForm) })
  }
}

/** Describes any value as plain JSON of a bounded size. */
export const errorData = (value: unknown): PlainJson => plainForm(formOf(value))

/** Returns the text of one described value, without its causes. */
const ownText = (form: Form): string => {
  if (isErrorForm(form)) {
    const { message, name } = form["~error"]
    return message === "" ? name : message
  }
  if (typeof form === "string") return form
  if (typeof form !== "object" || form === null || Array.isArray(form)) return JSON.stringify(plainForm(form))
  const { _tag, message } = form as { readonly [key: string]: Form }
  if (typeof _tag === "string") return _tag
  return typeof message === "string" && message !== "" ? message : JSON.stringify(plainForm(form))
}

const isWordUnit = (text: string, at: number): boolean => /[\p{L}\p{N}]/u.test(text.charAt(at))

/** Whether a text has another text in it, not as a part of a word. */
const has = (text: string, part: string): boolean => {
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    const end = at + part.length
    const isCut =
      (isWordUnit(text, at - 1) && isWordUnit(part, 0)) || (isWordUnit(text, end) && isWordUnit(part, part.length - 1))
    if (!isCut) return true
  }
  return false
}

/** Returns a described value and its chain of causes, the nearest first. */
const chainOf = (form: Form): ReadonlyArray<Form> => {
  const chain = [form]
  for (let index = 0; index < chain.length; index++) {
    const each = chain[index] ?? null
    if (!isErrorForm(each)) continue
    const { cause, errors = [] } = each["~error"]
    if (cause !== undefined) chain.push(cause)
    chain.push(...errors)
  }
  return chain.filter((each) => each !== cutMark && each !== circularMark)
}

/**
 * Returns the text of a described value. For an error, it is the message, or the name if the message is empty, with the new
 * texts of its causes. For other values, it is a `_tag`, a message, or the value as JSON.
 */
export const formText = (form: Form): string => {
  let text = ""
  for (const each of chainOf(form)) {
    const own = ownText(each)
    if (text === "") text = own
    else if (!has(text, own)) text += `: ${own}`
    if (text.length > Limits.errorTextLength) return text.slice(0, Limits.errorTextLength)
  }
  return text
}
