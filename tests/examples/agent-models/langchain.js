import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage } from 'langchain'

/** Calls Bash with what the user wrote, and then repeats what it was told of it. */
class ScriptedModel extends BaseChatModel {
  _llmType() {
    return 'scripted'
  }

  bindTools() {
    return this
  }

  async _generate(messages) {
    const last = messages.at(-1)
    const call = { type: 'tool_call', id: 'call-1', name: 'Bash', args: { command: last.text } }
    const message =
      last.type === 'human'
        ? new AIMessage({ content: '', tool_calls: [call] })
        : new AIMessage(`told: ${last.text}`)
    return { generations: [{ text: '', message }] }
  }
}

export const model = new ScriptedModel({})
