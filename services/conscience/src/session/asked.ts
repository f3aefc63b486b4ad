/** Words in which users ask for an effect; where they use others, a person is asked. */
const ASKING: Readonly<Record<string, RegExp>> = {
  delete:
    /^(?:delet(?:e|es|ed|ing)|remov(?:e|es|ed|ing)|eras(?:e|es|ed|ing)|cancel(?:s|led|ed|ling|ing)?|purg(?:e|ing)|wip(?:e|ing)|discard(?:ing)?|trash(?:ing)?|lösch(?:e|en|t)|entfern(?:e|en|t)|storniere?n?|supprime[rz]?|efface[rz]?|annule[rz]?|borrar?|elimin(?:a|ar|e)|cancelar?)$/,
  admin:
    /^(?:passwords?|passphrase|pins?|permissions?|access|roles?|credentials?|passwort|passwörter|kennwort|berechtigung(?:en)?|zugang|zugriff|rechte|accès|contraseñas?|permisos?|acceso)$/,
}
const NOT =
  /^(?:not|never|without|no|don|dont|don't|doesn't|won't|nicht|nie|kein(?:e|en)?|ohne|ne|pas|sans|nunca|sin)$/

/** Effects that the user's own words speak of, in a clause without a no. */
export function askedIn(text: string): string[] {
  const asked = new Set<string>()
  for (const clause of text.toLowerCase().split(/[.;!?\n,]+/)) {
    const words = clause.match(/[\p{L}\p{N}'’]+/gu) ?? []
    let isDenied = false
    for (const word of words) {
      if (NOT.test(word.replace('’', "'"))) isDenied = true
      if (isDenied) continue
      for (const [effect, pattern] of Object.entries(ASKING)) if (pattern.test(word)) asked.add(effect)
    }
  }
  return [...asked]
}
