/**
 * Takes a docstring apart for a table: its first sentence, the default, the failures.
 *
 * Boundary: text in, text out. The conventions are those of the sources: a default is a sentence that begins with "Default",
 * or `(default)` behind a value; a failure is a sentence that says "fails with", "dies with" or "throws"; `- \`name\`: ...`
 * describes a field, or the meaning of a value.
 */

export interface Docstring {
  /** All sentences, except the one with the default. */
  readonly sentences: ReadonlyArray<string>
  readonly defaultsTo: string | undefined
  /** The sentences about failures. */
  readonly failures: ReadonlyArray<string>
  /** The texts of a list's points, by the names or values with which they begin. */
  readonly points: ReadonlyMap<string, string>
}

/** Takes a docstring apart. `text` has no comment marks. */
export const readDocstring = (text: string): Docstring => {
  const [prose = "", ...tags] = text.split(/^@(?=throws )/m)
  const blocks = prose.split(/\n\s*\n/)
  const points = blocks.flatMap(pointsOf)
  const paragraphs = blocks
    .filter((block) => !/^(?:- | {4})/.test(block))
    .map((block) =>
      block
        .replace(/\n- [\s\S]*/, "")
        .replace(/\s+/g, " ")
        .trim()
    )
  const sentences = paragraphs.flatMap(sentencesOf)
  const failing = sentences.filter((sentence) => isFailure.test(sentence))
  return {
    sentences: sentences.filter((sentence) => !isDefault.test(sentence)),
    defaultsTo: defaultOf(sentences) ?? points.find(([, said]) => said.endsWith(marked))?.[0],
    failures: [...failing, ...tags.map((tag) => thrown(tag.replace(/\s+/g, " ").trim()))],
    points: new Map(points)
  }
}

const isFailure = /\b[Ff]ails (?:with|as|only|if)\b|\bThrows\b|\bDies with\b/
const marked = " (default)"

/** A default that has a sentence of its own, or stands behind a value: `"halt"` (default). */
const defaultOf = (sentences: ReadonlyArray<string>): string | undefined => {
  const said = sentences.find((sentence) => isDefault.test(sentence))
  if (said !== undefined) return said.replace(isDefault, "").replace(/\.$/, "")
  const whole = sentences.join(" ")
  const behind = /(`"[^"`]*"`|"[^"\s]*")(?:,| \() ?(?:the )?default\b(?!:)/.exec(whole)?.[1]
  return /\((?:the )?default:? ([^)]+)\)/.exec(whole)?.[1] ?? behind
}

const isDefault = /^Defaults?(?: to|:)?\s+/

/** `@throws X when ...` as a sentence. */
const thrown = (tag: string): string => {
  const [, name, rest] = /^throws (\S+)\s*(.*)$/.exec(tag) ?? []
  const sentence = `Throws \`${name ?? ""}\` ${rest ?? ""}`.trim()
  return sentence.endsWith(".") ? sentence : `${sentence}.`
}

/** The points of a list: `- \`a\`, \`b\` (aside): text`. */
const pointsOf = (block: string): ReadonlyArray<readonly [string, string]> =>
  block.split(/\n(?=- )|^(?=- )/m).flatMap((point) => {
    const [, names, aside, said] = /^- ((?:`[^`]+`(?:, )?)+)( \(default\))?: ([\s\S]+)$/.exec(point) ?? []
    if (names === undefined || said === undefined) return []
    const text = said.replace(/\s+/g, " ").trim()
    return [...names.matchAll(/`([^`]+)`/g)].map(
      (match) => [match[1]!, text + (aside === undefined ? "" : marked)] as const
    )
  })

/** The sentences of a paragraph. A dot within code, a number or a file's name ends none. */
export const sentencesOf = (paragraph: string): ReadonlyArray<string> => {
  const sentences: Array<string> = []
  let from = 0
  let isCode = false
  for (let at = 0; at < paragraph.length; at++) {
    if (paragraph[at] === "`") isCode = !isCode
    if (isCode || paragraph[at] !== "." || (at + 1 < paragraph.length && paragraph[at + 1] !== " ")) continue
    sentences.push(paragraph.slice(from, at + 1).trim())
    from = at + 1
  }
  const rest = paragraph.slice(from).trim()
  return rest === "" ? sentences : [...sentences, rest]
}
