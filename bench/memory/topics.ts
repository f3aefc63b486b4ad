/** What people in the made conversations tell each other; `*` stands for the value, and `@` for the one who tells. */
export interface Topic {
  readonly asked: readonly string[]
  readonly told: readonly string[]
  readonly remarks: readonly string[]
  /** Asked much later, in other words. */
  readonly questions: readonly string[]
  readonly values: readonly string[]
}

function topic(asked: string, told: string, remarks: string, questions: string, values: string): Topic {
  const parts = (text: string): string[] => text.split('|').map((part) => part.trim())
  return {
    asked: parts(asked),
    told: parts(told),
    remarks: parts(remarks),
    questions: parts(questions),
    values: parts(values),
  }
}

export const TOPICS: readonly Topic[] = [
  topic(
    'How was your weekend? | Did you do anything nice since we talked?',
    'We went * on Saturday, it was wonderful. | I finally went *, you would have loved it.',
    'The weather held all day. | My legs still hurt, but I would do it again.',
    'What did @ do at the weekend? | Where did @ go on a day off?',
    'hiking in the gorge|kayaking on the lake|to the science museum|climbing at the new hall|to a jazz concert by the river|to the flea market|cycling along the canal|to the botanical garden',
  ),
  topic(
    'What are you cooking tonight? | Any plans for dinner?',
    'I am trying *, my neighbour gave me the recipe. | Tonight it is *, for the first time.',
    'It smells great already. | Let us hope the oven survives.',
    'Which dish did @ prepare after getting a recipe? | What meal was @ making in the evening?',
    'lentil curry|mushroom risotto|a pumpkin pie|fish tacos|spinach dumplings|an onion tart|ramen with eggs|stuffed peppers',
  ),
  topic(
    'Have you got a pet now? | How is the little one at home?',
    'Yes, we adopted * from the shelter. | We brought home * last week.',
    'The sofa belongs to the animal now. | Nobody sleeps any more.',
    'What kind of animal does @ own? | Which pet did @ adopt?',
    'a grey kitten|an old greyhound|two guinea pigs|a parrot|a blind terrier|a tortoise|three goldfish|a rescue rabbit',
  ),
  topic(
    'How is work going? | Is the new job all right?',
    'I have changed to * and the people are kind. | They made me responsible for *.',
    'The commute is shorter, too. | I still have a lot to learn.',
    'What is the job of @ now? | Where does @ work these days?',
    'the accounting department|a bakery downtown|the night shift at the hospital|a startup for solar panels|the city library|teaching chemistry|a garage for classic cars|translating contracts',
  ),
  topic(
    'How are the children? | What is your daughter up to?',
    'She has started with * and talks about nothing else. | Our daughter joined * this month.',
    'The house is full of it. | I have to drive her twice a week.',
    'Which hobby did the child of @ take up? | What is the daughter of @ interested in?',
    'the violin|a robotics club|judo|ballet|the school newspaper|chess|pottery|the swimming team',
  ),
  topic(
    'Are you reading something good? | Any book you can recommend?',
    'I could not put down *. | Someone lent me *, and I read it in two nights.',
    'The ending surprised me. | I cried at the last chapter.',
    'Which book did @ enjoy? | What has @ been reading?',
    'a novel about lighthouse keepers|the memoirs of an astronaut|a history of salt|a thriller set in Oslo|poems about winter|a biography of a pianist|stories from Lagos|a guide to mosses',
  ),
  topic(
    'You sounded tired on the phone. | How is your health?',
    'The doctor says I have to avoid *. | It turned out that I cannot stand *.',
    'Reading labels takes me an hour in the shop. | At least I know now what it was.',
    'What is @ allergic to? | Which food must @ not eat?',
    'peanuts|shellfish|gluten|dairy|strawberries|red wine|sesame|soy',
  ),
  topic(
    'Where are you going in summer? | Holiday plans yet?',
    'We have booked * for two weeks. | It is going to be *, everything is reserved.',
    'The tickets were cheaper than I feared. | I am learning a few phrases already.',
    'What is the destination of the vacation of @? | Where will @ travel?',
    'Iceland|a hut in Slovenia|the coast of Portugal|Kyoto|a farm in Tuscany|the Hebrides|Montreal|the Baltic islands',
  ),
  topic(
    'Did you fix the flat? | How is the renovation?',
    'We painted the kitchen *, finally. | The builders put in *, and it looks like new.',
    'There is dust everywhere. | The bill has yet to come.',
    'What changed in the home of @? | What did the renovation bring @?',
    'in dark green|an oak floor|a skylight|in pale yellow|a heat pump|blue tiles|a round window|built-in shelves',
  ),
  topic(
    'How do you stay in shape? | Are you still exercising?',
    'I am training for *, three mornings a week. | A friend talked me into *.',
    'I was never this early up before. | My trainer is merciless.',
    'Which sport does @ practise? | What is @ preparing for physically?',
    'a half marathon|rowing|a triathlon|boxing classes|aqua gymnastics|a charity walk|tango|the climbing championship',
  ),
  topic(
    'What did you give your mother? | Was the birthday a success?',
    'She got * from me and was speechless. | I made her *, which took weeks.',
    'The whole family came. | There was cake for forty.',
    'Which present did @ choose for a parent? | What did the mother of @ receive?',
    'a quilt|a framed photograph|theatre tickets|a bird feeder|a silver bracelet|a weekend at a spa|a rose bush|an album of letters',
  ),
  topic(
    'How did the interview go? | Any news about the course?',
    'They accepted me for *, it begins in autumn. | I got the place in *.',
    'I could hardly sleep before. | My boss gave me the time off.',
    'What will @ study? | For which course was @ accepted?',
    'nursing school|a degree in geology|the welding course|an evening class in law|a seminar on beekeeping|pilot training|sign language|a master in linguistics',
  ),
]

export const SMALL_TALK: readonly string[] = [
  'That is so good to hear!',
  'I can imagine. It has been a long winter for everybody.',
  'Same here, to be honest. One day after the other.',
  'Tell me more when we meet.',
  'The trains were late again this morning, I nearly missed everything.',
  'We should really have coffee one of these days.',
  'Sorry, the connection was bad. What did you say?',
  'You always find something new, I envy that.',
  'My phone battery is dying, so I will be short.',
  'Oh wow, congratulations from all of us.',
  'I have been thinking about that, too.',
  'It rains here without end. The garden likes it, at least.',
]

export const NAMES: readonly string[] = [
  ...['Amara', 'Bjorn', 'Chiara', 'Dmitri', 'Elif', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas'],
  ...['Keiko', 'Lorenzo', 'Mina', 'Nils', 'Oksana', 'Pablo', 'Quentin', 'Rosa', 'Sanjay', 'Tove'],
]
