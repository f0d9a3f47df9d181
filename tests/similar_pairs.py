"""Sixty pairs of what somebody types and a ticket that is open: the same problem, the same words elsewhere, or another.

One line: verdict | what is typed | the building that was chosen | the open ticket's title | its building | its room.
"""

PAIRS = """
same | No wifi in the library | main-library | Wi-Fi drops every few minutes during the day | main-library | Floor 2
same | WLAN geht nicht | turing-building | Eduroam down on the third floor | turing-building |
same | internet keeps disconnecting | birch-residence | Weak Wi-Fi in my room, connection drops | birch-residence |
same | Eduroam funktioniert nicht in der Bibliothek | main-library | Wi-Fi drops every few minutes during the day | main-library | Floor 2
same | Beamer zeigt kein Bild | harlow-theatre | Projector shows no signal from the lectern | harlow-theatre |
same | projector not working | franklin-hall | Projector flickers and then goes dark | franklin-hall | 1.12
same | Projektor flackert | franklin-hall | Projector flickers and then goes dark | franklin-hall | 1.12
same | water coming from the ceiling | maple-hall | Water dripping from ceiling next to the projector | maple-hall | 214
same | Es tropft von der Decke, Wasser im Raum 214 | maple-hall | Water dripping from ceiling next to the projector | maple-hall | 214
same | leak in room 214! | maple-hall | Water dripping from ceiling next to the projector | maple-hall | 214
same | Heizung kalt | chemistry-building | Radiator stays cold | chemistry-building | 0.17
same | its freezing, no heating | medical-school | No heating at all on the first floor | medical-school |
same | radiator not warm | medical-school | No heating at all on the first floor | medical-school |
same | Heizkörper wird nicht warm | administration-house | Heating broken again | administration-house |
same | far too hot, heating cannot be turned down | main-library | Heating stuck on full in the study room | main-library | 2.08
same | Drucker druckt nicht | noether-building | Printer queue stuck for the whole floor | noether-building |
same | printer jammed again | business-school | Printer eats paper, jam in tray 2 | business-school |
same | print jobs do not come out | noether-building | Printer queue stuck for the whole floor | noether-building |
same | elevator stuck | life-sciences-centre | Lift stops between floors | life-sciences-centre |
same | Aufzug steckt fest | life-sciences-centre | Lift stops between floors | life-sciences-centre |
same | front door does not close | alder-residence | Fire door will not latch | alder-residence |
same | Tür schließt nicht | alder-residence | Fire door will not latch | alder-residence |
same | card reader does not react | turing-building | Reader at the main entrance flashes red, card not accepted | turing-building |
same | Steckdosen ohne Strom | student-union | No power in half of the sockets | student-union |
same | lights dont work in the stairwell | sports-centre | Lamp above the stairs is dark | sports-centre |
same | Licht flackert | business-school | Flickering light in the corridor | business-school |
same | toilet blocked | student-union | WC on the ground floor clogged | student-union |
same | Klo verstopft | student-union | WC on the ground floor clogged | student-union |
same | cold showers | birch-residence | No hot water in the showers | birch-residence |
same | kein warmes Wasser in der Dusche | birch-residence | No hot water in the showers | birch-residence |
elsewhere | No wifi in the dorm | alder-residence | Wi-Fi drops every few minutes during the day | main-library | Floor 2
elsewhere | projector not working | maple-hall | Projector shows no signal from the lectern | harlow-theatre |
elsewhere | Projector shows no signal | medical-school | Projector flickers and then goes dark | franklin-hall | 1.12
elsewhere | water dripping from the ceiling | chemistry-building | Water dripping from ceiling next to the projector | maple-hall | 214
elsewhere | Radiator cold | business-school | Radiator stays cold | chemistry-building | 0.17
elsewhere | No heating | sports-centre | No heating at all on the first floor | medical-school |
elsewhere | Printer queue stuck | main-library | Printer queue stuck for the whole floor | noether-building |
elsewhere | printer jam | turing-building | Printer eats paper, jam in tray 2 | business-school |
elsewhere | Lift stops between floors | administration-house | Lift stops between floors | life-sciences-centre |
elsewhere | door does not latch | medical-school | Fire door will not latch | alder-residence |
elsewhere | No power in the sockets | franklin-hall | No power in half of the sockets | student-union |
elsewhere | toilet clogged | sports-centre | WC on the ground floor clogged | student-union |
elsewhere | no hot water | alder-residence | No hot water in the showers | birch-residence |
elsewhere | Flickering light in room 3.04 | business-school | Light dead above the blackboard | business-school | 1.20
elsewhere | projector dead in 2.01 | franklin-hall | Projector flickers and then goes dark | franklin-hall | 1.12
another | The clock is an hour late | main-library | Wi-Fi drops every few minutes during the day | main-library | Floor 2
another | chair with a broken leg | harlow-theatre | Projector shows no signal from the lectern | harlow-theatre |
another | microphone makes noises | franklin-hall | Projector flickers and then goes dark | franklin-hall | 1.12
another | window does not close | maple-hall | Water dripping from ceiling next to the projector | maple-hall | 214
another | fume hood alarm | chemistry-building | Radiator stays cold | chemistry-building | 0.17
another | elevator smells of smoke | medical-school | No heating at all on the first floor | medical-school |
another | scanner gives black pages | noether-building | Printer queue stuck for the whole floor | noether-building |
another | bins are overflowing | student-union | WC on the ground floor clogged | student-union |
another | lost my student card | turing-building | Reader at the main entrance flashes red, card not accepted | turing-building |
another | loud party upstairs | alder-residence | Fire door will not latch | alder-residence |
another | vending machine ate my money | sports-centre | Lamp above the stairs is dark | sports-centre |
another | mice in the kitchen | birch-residence | No hot water in the showers | birch-residence |
another | monitor stays black | business-school | Flickering light in the corridor | business-school |
another | Stuhl kaputt | life-sciences-centre | Lift stops between floors | life-sciences-centre |
another | soap dispenser empty | student-union | No power in half of the sockets | student-union |
"""
