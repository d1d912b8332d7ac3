"""The hand-written articles of the sample web: site, path, title, language, encoding, paragraphs. Only text."""

from typing import NamedTuple


class Article(NamedTuple):
    """One article; `snapshots` are the snapshots that hold it."""

    site: str
    path: str
    language: str
    title: str
    paragraphs: tuple[str, ...]
    encoding: str = "utf-8"
    snapshots: tuple[int, ...] = (0, 1)


ARTICLES: tuple[Article, ...] = (
    Article("harbour-post.example", "/2026/ferry-timetable", "en", "The night ferry comes back", (
        "After eleven years without a boat after dark, the night ferry between the old harbour and the island of Skerra will run again from the first week of May. The council agreed on Tuesday to pay for two crossings, one shortly before midnight and one at half past one in the morning.",
        "For the people who work in the hospital on the mainland, the decision means that they can go home after a late shift. Many of them have slept in a rented room near the station during the week, and some have moved away from the island for that reason alone.",
        "The boat itself is not new. It was built in 1988 for a river in the south, and it carried tourists there until a bridge was opened. The engineers have replaced both engines, and the new ones use about a third less fuel than the old pair did at the same speed.",
        "Fishermen had feared that the wake of the boat would disturb the mussel beds along the northern shore. The captain has promised to keep to the deep channel and to slow down near the beds. A biologist from the university will measure the water every month and report to the council in the autumn.",
    )),
    Article("harbour-post.example", "/2026/library-roof", "en", "Rain in the reading room", (
        "The roof of the town library has been leaking since the storm in January, and the librarians have placed forty buckets between the shelves. On wet days the sound of the drops is so loud that the reading hour for children has been moved to the fire station.",
        "The building was finished in 1934 and its roof is made of copper on oak beams. A carpenter who looked at the beams last week found that most of them are as hard as they were on the first day. It is the copper that has become thin, because the salt of the sea air has worked on it for ninety years.",
        "A new roof would cost more than the library spends on books in twelve years. The friends of the library have collected a tenth of the sum so far, most of it in small coins from the glass jar beside the door, and they hope that the regional fund for old buildings will pay for the rest.",
        "Until then the rare books are kept in the cellar of the bank, where it is dry and where nobody but the director can read them. She says that she has never read so much in her life, and that she would not mind if the repair took a little longer.",
    )),
    Article("harbour-post.example", "/2026/beekeepers", "en", "What the bees bring home", (
        "Six schools in the district now keep bees on their roofs, and this spring the pupils began to ask what the bees bring home. With the help of a laboratory they counted the pollen grains in the honey of every school and drew a map of the flowers that the bees had visited.",
        "The result surprised even the teachers. The hives in the middle of the town found more kinds of flowers than the hives at the edge of the fields, where a single crop covers the land for miles and blooms for only three weeks.",
        "On the roof beside the railway line the bees lived almost entirely on bramble, which grows on the banks where no mower can go. The honey was dark and tasted of smoke, and it won the first prize at the show, although some of the older beekeepers refused to believe where it had come from.",
        "The pupils have written to the railway company to ask that the bramble be left alone until the end of August. The company answered within a week. It will cut the banks in October, and it has asked for a jar of the honey in return.",
    )),
    Article("harbour-post.example", "/2026/tide-mill", "en", "A mill that runs on the moon", (
        "Twice a day the sea fills the pond behind the tide mill, and twice a day the water runs out again through a gate that is barely wider than a door. For four hundred years that was enough to grind the corn of three parishes, and from this summer it will be enough to light them.",
        "The volunteers who have repaired the mill chose a wheel of the same size as the old one, but with blades of steel that can be turned. A small generator sits where the upper millstone used to lie. In a normal week it will give as much power as sixty households use.",
        "There are hours when nothing moves, because the water outside is as high as the water in the pond. The miller of the past slept in those hours, whatever the clock said, and the volunteers have found his bed in a cupboard beside the stairs. The timetable on the wall, painted by hand, gives the hours of every tide for the year 1871.",
        "Whoever wants to see the mill at work should look at the moon first. It runs longest in the days after the full moon and after the new moon, when the tides are high, and on those days somebody will be there to explain the gate, the wheel and the bed.",
    ), snapshots=(0,)),
    Article("harbour-post.example", "/2026/glass-road", "en", "The road that shines at night", (
        "A stretch of the coast road has been covered with a mixture of tar and crushed glass, and it shines in the light of the cars as if it were wet. The glass comes from bottles that were too dirty to be melted again, and until now the town had to pay to be rid of them.",
        "Drivers have said that they slow down at first, because they take the shine for ice. The engineers regard that as a welcome effect. In the four months since the work was finished there has been no accident on a curve where there used to be one every few weeks.",
        "Dogs do not seem to mind the surface, and bicycle tyres are not cut by it, because every grain is ground until its edges are round. A grain is about as large as a grain of rice, and a square metre holds the glass of thirty bottles.",
        "The next stretch will be laid in spring, beside the school. The pupils have been asked to choose the colour, since green and brown bottles can be kept apart, and the vote is expected to be close.",
    ), snapshots=(1,)),
    Article("slow-kitchen.example", "/bread/rye", "en", "Rye bread for people who forget things", (
        "This bread asks for very little attention, which is why it is baked in so many houses where there are small children. You mix rye flour, water, salt and a spoonful of the old dough in the evening, and then you go to bed and forget about it.",
        "In the morning the dough has risen by about a half and smells of apples. If it smells of vinegar instead, your kitchen is warm and the next time you should use colder water. Either way it can be baked, and nobody at the table will complain.",
        "Pour the dough into a tin, since it is too soft to stand alone, and let it rest once more until small holes appear on its surface. That takes an hour in summer and three in winter. There is no need to watch it, because the holes stay for a long time.",
        "Bake it hot for ten minutes and then gently for fifty more. The hardest part comes last: the loaf must not be cut before the next day. Whoever cuts it warm will find that it sticks to the knife, and whoever waits will have bread for a week.",
    )),
    Article("garten-brief.example", "/kompost", "de", "Warum der Kompost nicht warm wird", (
        "Viele Gärtner wundern sich im Frühjahr, dass ihr Kompost kalt bleibt, obwohl sie ihn im Herbst sorgfältig aufgeschichtet haben. Meistens liegt es daran, dass der Haufen zu klein ist. Erst ab etwa einem Kubikmeter hält die Masse die Wärme, die bei der Zersetzung entsteht, lange genug fest.",
        "Ein zweiter Grund ist die Mischung. Wer nur Laub sammelt, bekommt einen trockenen Berg, der jahrelang unverändert daliegt. Die Bakterien brauchen auch frisches, grünes Material, zum Beispiel Rasenschnitt oder Küchenabfälle, und sie brauchen Luft zwischen den Schichten.",
        "Es hilft, den Haufen an einem milden Tag umzusetzen und dabei alles gut zu durchmischen. Wenn er sich feucht anfühlt wie ein ausgedrückter Schwamm, ist es richtig. Nach drei oder vier Tagen sollte die Hand im Inneren deutlich Wärme spüren.",
        "Wer Geduld hat, kann auf das alles verzichten. Auch ein kalter Kompost wird irgendwann zu Erde, nur dauert es zwei Jahre statt sechs Monate, und die Samen der Unkräuter bleiben darin am Leben. Das ist kein Unglück, aber man sollte es wissen, bevor man ihn auf die Beete bringt.",
    )),
    Article("garten-brief.example", "/igel", "de", "Ein Winterplatz für den Igel", (
        "Der Igel sucht im Oktober einen Platz, an dem er bis zum März ungestört schlafen kann. Er braucht dafür keinen gekauften Kasten. Ein Haufen aus Laub und Reisig in einer ruhigen Ecke genügt ihm, wenn er trocken bleibt und niemand ihn im Winter umräumt.",
        "Am besten legt man zuerst ein paar dicke Äste kreuzweise auf den Boden, sodass in der Mitte ein Hohlraum entsteht. Darüber kommt eine Schicht aus trockenem Laub, und zum Schluss hält etwas Reisig alles zusammen. Eine alte Tür oder ein Brett schützt vor dem Regen.",
        "Wichtig ist, dass der Haufen vor dem ersten Frost fertig ist. Später haben die Tiere ihr Quartier bereits gewählt. Wer im Dezember einen Igel am Tag herumlaufen sieht, sollte bei einer Pflegestelle anrufen, denn gesunde Tiere schlafen um diese Zeit.",
        "Im Frühjahr bleibt der Haufen liegen, bis die Nächte mild sind. Dann darf man ihn vorsichtig öffnen. Nicht selten findet man darin neben dem leeren Nest auch Kröten, Käfer und einmal sogar eine Blindschleiche, die dort gemeinsam den Winter verbracht haben.",
    ), encoding="windows-1252"),
    Article("carnet-de-route.example", "/canal", "fr", "Trois jours le long du canal", (
        "Le premier matin, le brouillard était si épais que nous n'avons pas vu l'eau avant d'y être presque tombés. Le chemin suit le canal sur toute sa longueur, et les platanes qui le bordent ont été plantés il y a deux siècles pour que les chevaux puissent tirer les bateaux à l'ombre.",
        "On avance lentement, parce que chaque écluse a son histoire et que l'éclusier aime la raconter. Celui de Montferrand nous a montré une marque sur le mur, à hauteur d'homme, qui rappelle la crue de 1930. Sa grand-mère avait passé la nuit sur le toit avec ses poules.",
        "Le deuxième jour, il a plu, et nous avons dormi dans une ancienne gare où les trains ne s'arrêtent plus. La propriétaire loue trois chambres et sert une soupe dont elle refuse de donner la recette. Elle dit seulement qu'il faut commencer la veille.",
        "À la fin, le canal entre dans la ville sans prévenir, entre deux entrepôts, et l'on se retrouve soudain parmi les terrasses des cafés. Nous avions fait soixante kilomètres à pied, et nous n'avions croisé que des pêcheurs, des hérons et une péniche qui transportait des tuiles.",
    ), encoding="iso-8859-15"),
    Article("cuaderno-del-cielo.example", "/perseidas", "es", "Cómo mirar una lluvia de estrellas", (
        "Para ver las perseidas no hace falta ningún telescopio, y en realidad sería un estorbo. Lo único que se necesita es un lugar oscuro, una manta y paciencia. Los ojos tardan unos veinte minutos en acostumbrarse a la noche, y basta con mirar un momento el teléfono para tener que empezar de nuevo.",
        "La lluvia alcanza su máximo alrededor del doce de agosto, cuando la Tierra cruza el rastro de polvo que dejó un cometa. Cada grano es tan pequeño como la arena, pero entra en la atmósfera a sesenta kilómetros por segundo, y por eso brilla.",
        "Conviene mirar después de la medianoche, porque entonces nuestro lado del planeta avanza de frente hacia el polvo, igual que el parabrisas de un coche recibe más lluvia que la ventana de atrás. En una hora se pueden contar entre cuarenta y sesenta meteoros si no hay luna.",
        "No hay que buscar en un punto fijo del cielo. Los más hermosos aparecen lejos de la constelación que les da nombre y cruzan la mitad de la noche. Quien tenga niños debería dejarles escoger la dirección, porque casi siempre aciertan.",
    )),
    Article("zametki-o-rekah.example", "/ledohod", "ru", "Когда на реке пошёл лёд", (
        "Ледоход на нашей реке обычно начинается в середине апреля, но в этом году лёд пошёл на две недели раньше. Ночью мы услышали глухой треск, похожий на далёкий гром, а утром весь город вышел на набережную. Люди стояли молча и смотрели, как мимо проплывают огромные льдины.",
        "На одной из них оказалась лодка, которую хозяин забыл убрать осенью. Она плыла медленно и торжественно, словно корабль, и дети бежали за ней вдоль берега до самого моста. Там льдина раскололась, и лодка, к общему удивлению, осталась на воде.",
        "Старики говорят, что по ледоходу можно узнать, каким будет лето. Если лёд уходит тихо, лето будет сухим, а если он ломает причалы, надо ждать дождей. В этом году один причал сломало наполовину, поэтому мнения разделились.",
        "Через три дня река очистилась, и вода поднялась почти до нижних ступеней. Рыбаки уже вернулись на свои места. Они уверены, что в такую весну рыба клюёт лучше, хотя за всё утро никто из них ничего не поймал.",
    ), encoding="koi8-r"),
    Article("shuibian.example", "/qiao", "zh", "村口的石桥", (
        "我们村口有一座石桥，据说是三百年前一位石匠修的。桥不长，只有十几步，可是村里人出门、回家、送客，都要从上面走过。夏天的傍晚，老人们喜欢坐在桥栏上乘凉，一边摇扇子，一边说从前的事情。",
        "桥下的水很清，可以看见小鱼在石头之间游来游去。小时候，我们常常脱了鞋下水摸虾，摸到一只就高兴半天。有一年发大水，水漫过了桥面，大家都担心桥会被冲走，可是水退了以后，桥还是好好的，一块石头也没有少。",
        "后来村里修了新的公路桥，汽车都从那边走，石桥渐渐安静下来。有人提议把它拆掉，用石头去修房子，村里的人都不同意。他们说，这座桥认识我们每一个人，我们也认识它的每一块石头。",
        "去年，县里派人来量了桥的尺寸，还在桥头立了一块牌子，说它是受保护的古桥。老人们看了牌子，笑着说，没有牌子的时候，我们也一直保护着它。现在每到春天，还有学生从城里来画画，画得最多的就是这座桥和桥边的老柳树。",
    ), encoding="gb18030"),
    Article("yamanote-nikki.example", "/pan", "ja", "坂の上のパン屋", (
        "坂の上に小さなパン屋があります。店の主人は毎朝三時に起きて、粉をこね始めます。七時に扉が開くころには、焼きたての匂いが坂の下まで届き、駅へ急ぐ人たちが思わず足を止めます。",
        "この店には名前の書かれた看板がありません。主人に理由を聞くと、看板を注文したのは二十年前だけれど、頼んだ職人がまだ考えている途中なのだと笑います。町の人はただ「坂の上」と呼んでいて、それで困ったことは一度もありません。",
        "雨の日には客が少ないので、主人は余った生地で小さな動物の形のパンを焼きます。亀や魚や、何だかよく分からないものもあります。学校帰りの子どもたちはそれを楽しみにしていて、雨が降ると傘を差して坂を上ってきます。",
        "先月、主人は腕を痛めて一週間だけ店を休みました。その間、坂を通る人はみな少し早足になり、町の朝はどこか物足りないものになりました。再び扉が開いた日、店の前には長い列ができて、最後の人がパンを買えたのは昼過ぎだったそうです。",
    ), encoding="shift_jis"),
    Article("tetradia.example", "/elia", "el", "Η ελιά πίσω από το σπίτι", (
        "Πίσω από το σπίτι του παππού μου υπάρχει μια ελιά που κανείς δεν ξέρει πόσων χρονών είναι. Ο κορμός της είναι τόσο χοντρός που χρειάζονται τρία παιδιά για να τον αγκαλιάσουν, και μέσα του έχει μια κουφάλα όπου κρύβαμε τα παιχνίδια μας.",
        "Κάθε Νοέμβριο μαζευόταν όλη η οικογένεια για τη συγκομιδή. Στρώναμε τα πανιά κάτω από τα κλαδιά και ο παππούς ανέβαινε πρώτος, παρόλο που η γιαγιά του φώναζε να προσέχει. Το λάδι εκείνης της χρονιάς το δοκιμάζαμε ζεστό πάνω σε ψωμί.",
        "Μια χρονιά έπεσε κεραυνός και έκαψε τη μισή ελιά. Όλοι είπαν ότι θα ξεραθεί, αλλά την άνοιξη πέταξε καινούργια κλαδιά από την άλλη πλευρά. Από τότε ο παππούς έλεγε ότι το δέντρο είναι πιο πεισματάρικο από τον ίδιο.",
        "Σήμερα το σπίτι είναι άδειο τον περισσότερο καιρό, αλλά την ελιά δεν την ξεχνάμε. Κάθε φθινόπωρο πηγαίνει κάποιος από εμάς, μαζεύει τον καρπό και στέλνει ένα μπουκάλι λάδι σε όλους τους άλλους, όπου κι αν βρίσκονται.",
    )),
    Article("dafatir.example", "/souq", "ar", "صباح في السوق القديم", (
        "يفتح السوق القديم أبوابه قبل شروق الشمس بقليل، حين تكون الشوارع ما زالت باردة والهواء يحمل رائحة الخبز. يصل بائعو الخضار أولا، يفرشون بضاعتهم على الأرض، ثم يأتي بائع الشاي الذي يعرف كل واحد منهم باسمه ويعرف كم ملعقة من السكر يحب.",
        "في وسط السوق دكان صغير لإصلاح الساعات، يجلس فيه رجل عجوز منذ أكثر من خمسين سنة. يقول إن الساعات القديمة لا تموت، بل تنتظر من يفهمها. على الجدار خلفه عشرات الساعات، وكل واحدة منها تشير إلى وقت مختلف، ولا يزعجه ذلك أبدا.",
        "عند الظهر يهدأ السوق قليلا، ويغلق بعض التجار أبوابهم ليناموا ساعة. يلعب الأطفال حينها بين الأكشاك الفارغة، ويتسابقون إلى النافورة التي لا تعمل إلا في أيام العيد. ثم يعود الناس بعد العصر، ويعود معهم الضجيج.",
        "في المساء يجمع البائعون ما بقي من بضاعتهم، ويتركون جزءا منها عند باب المسجد لمن يحتاج إليه. لا أحد يكتب من ترك ومن أخذ. هكذا كان السوق في زمن أجدادنا، وهكذا نرجو أن يبقى.",
    )),
)  # fmt: skip
