/** A number, or a text that is one with a currency: `€ 1,200.50`, `1.200,50 EUR`. Undefined where it is neither. */
export function amountOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.abs(value) : undefined
  if (typeof value !== 'string' || value.length > 40) return undefined
  const found = /^\s*(?:[A-Z]{3}|[$€£¥₹])?\s*-?(\d[\d.,' ]*)\s*(?:[A-Z]{3}|[$€£¥₹])?\s*$/i.exec(value)
  if (found === null) return undefined
  const digits = (found[1] as string).replace(/[' ]/g, '')
  const comma = digits.lastIndexOf(',')
  const point = digits.lastIndexOf('.')
  const decimals = Math.max(comma, point)
  const isDecimal = decimals >= 0 && (digits.length - decimals - 1 !== 3 || (comma >= 0 && point >= 0))
  const whole = (isDecimal ? digits.slice(0, decimals) : digits).replace(/[.,]/g, '')
  return Number(isDecimal ? `${whole}.${digits.slice(decimals + 1)}` : whole)
}
