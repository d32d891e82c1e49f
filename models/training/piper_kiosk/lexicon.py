"""The words of which the teacher's sentences are made. Their order decides what a seed draws."""

NUMBERS = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
""".split()
"""One to nineteen."""

TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()

ITEMS = [
    item.strip()
    for item in """
    olive oil|oat milk|brown bread|whole milk|orange juice|apple juice|cheddar cheese|cream cheese|butter|
    eggs|
    sugar|brown sugar|flour|rice|pasta|noodles|tomato sauce|tomatoes|potatoes|onions|garlic|carrots|spinach|
    lettuce|mushrooms|peppers|cucumbers|celery|broccoli|corn|beans|lentils|chickpeas|apples|bananas|oranges|
    lemons|limes|grapes|pears|peaches|plums|cherries|strawberries|blueberries|raspberries|melons|pineapple|
    mangoes|avocados|chicken|chicken soup|beef|pork|ham|bacon|sausages|turkey|lamb|salmon|tuna|shrimp|
    fish fingers|frozen peas|frozen pizza|frozen vegetables|ice cream|vanilla ice cream|chocolate|cookies|
    crackers|cereal|oatmeal|honey|jam|peanut butter|maple syrup|vinegar|salt|black pepper|cinnamon|ginger|
    yogurt|sour cream|coffee|decaf coffee|green tea|black tea|sparkling water|still water|soda|beer|red wine|
    white wine|paper towels|toilet paper|tissues|napkins|soap|shampoo|toothpaste|a toothbrush|razors|detergent|
    bleach|sponges|trash bags|light bulbs|batteries|candles|matches|foil|cat food|dog food|bird seed|diapers|
    baby wipes|vitamins|cough syrup|bandages|sunscreen|greeting cards|notebooks|pencils|envelopes|tape|glue|
    scissors|a screwdriver|a hammer|nails|paint|garden tools|flower pots|fresh flowers|umbrellas|socks|gloves|
    towels|pillows|phone chargers|headphones|gift cards|stamps|newspapers|magazines|toys|board games|
    gluten free bread|bagels|muffins|croissants|birthday cakes|tortillas|salsa|chips|popcorn|walnuts|almonds|
    raisins|tofu|hummus|mustard|ketchup|mayonnaise""".split("|")
]
"""What the shop sells."""

PLACES = [
    item.strip()
    for item in """
    at the back of the store|near the front door|next to the bakery|behind the counter|on the left|
    on the right|
    on the top shelf|on the bottom shelf|on the middle shelf|by the window|across from the pharmacy|
    beside the freezer|at the end of the aisle|in the far corner|around the corner|upstairs|downstairs|
    opposite the checkout|under the stairs|between the fruit and the flowers|just past the deli|
    in the garden section|close to the entrance|at the customer desk""".split("|")
]

NAMES = """
    Robin Alice Brian Carol David Emma Frank Grace Henry Irene Jack Karen Louis Maria Nathan Olivia Peter Quentin
    Rachel Simon Theresa Victor Wendy Yvonne Zachary Joyce George Judith Chloe Hugh Vanessa Jasmine Oscar Ursula
    Fiona
""".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

MONTHS = "January February March April May June July August September October November December".split()

TIMES = [
    "in the morning",
    "in the afternoon",
    "in the evening",
    "at night",
    "today",
    "tomorrow",
    "tonight",
    "this week",
    "next week",
    "every day",
    "on weekends",
    "on holidays",
    "until noon",
    "before lunch",
    "after dinner",
]

COLOURS = "red green blue yellow purple orange brown black white gray pink golden silver".split()

ADJECTIVES = """
    small large tiny huge cheap fresh frozen ripe sweet bitter sour spicy mild heavy light narrow wide empty full
    broken new old clean dirty quiet noisy warm cold dry wet sharp smooth rough soft hard quick slow early late
    young bright dark strange usual careful gentle honest foolish clever hungry thirsty tired busy lucky nervous
    proud generous modern ancient
""".split()

NOUNS = """
    store shop market basket trolley cashier manager customer shelf counter receipt coupon discount price label box
    bag bottle jar can packet kitchen table chair window door garden street bridge river mountain village city
    country ocean beach forest weather winter summer morning evening teacher doctor engineer lawyer nurse farmer
    driver pilot student child mother father brother sister uncle cousin neighbor friend stranger visitor machine
    computer camera radio telephone picture letter journal story song question answer problem reason measure
    pleasure treasure vision garage village bridge judge voyage treasure church watch kitchen picture nature future
    thing thumb thread month bath mouth weather feather brother leather voice noise choice boy toy oil soil house
    mouse cloud crowd flower tower cow year ear beer chair bear square fire tire wire cure tour poor hour power shoe
    school tool food moon book cook foot wood bird girl word nurse
""".split()
"""One that stands here twice is drawn twice as often."""

VERBS = """
    find take bring carry move open close clean fix sell buy return weigh wrap send order choose change check count
    measure watch hear touch taste smell push pull throw catch lose keep leave save spend share follow answer forget
    remember describe explain repair replace deliver collect ignore notice enjoy imagine discover protect
""".split()

ADVERBS = """
    quickly slowly carefully quietly often never always sometimes usually probably certainly together again already
    suddenly gently exactly nearly almost perhaps finally clearly
""".split()
