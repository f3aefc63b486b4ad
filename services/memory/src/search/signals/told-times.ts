const ASKS =
  /\bwhen\b(?! +(?:i|you|we|they|he|she|it)\b)|\b(?:what|which) (?:day|date|time|week|month|year)\b|\bhow long ago\b/i
const MONTHS =
  'january|february|march|april|june|july|august|september|october|november|december|in may|may \\d|\\d may'
const DAYS = '(?:mon|tues|wednes|thurs|fri|satur|sun)day|yesterday|today|tonight|tomorrow|weekend'
const SPANS = '(?:last|next|this|past) (?:week|month|year|summer|winter|spring|autumn|fall|night)|ago|since'
const PARTS = 'morning|afternoon|evening|noon|midnight|\\d{1,2} ?(?:am|pm)|\\d{1,2}:\\d\\d|(?:19|20)\\d\\d'
const TELLS = new RegExp(`\\b(?:${[MONTHS, DAYS, SPANS, PARTS].join('|')})\\b`, 'i')

/** True where an English question is for a time. */
export function asksForTime(question: string): boolean {
  return ASKS.test(question)
}

/** True where an English text says when something was or will be. */
export function tellsTime(text: string): boolean {
  return TELLS.test(text)
}
