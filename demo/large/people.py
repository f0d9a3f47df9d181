"""Who and what a large campus has beside the small one: tables of names and buildings, and the cast drawn from them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from demo import campus
from demo.campus import Cast, Person, Place

TEAMS = {"networks": "Networks", "av": "Room technology", "residences": "Residences", "security": "Security and keys"}
"""Whom the desks of the small campus hand work on to."""
AGENTS = {"it": 9, "facilities": 9, "services": 6, "networks": 6, "av": 6, "residences": 7, "security": 6}
"""How many join each team: sixty with those of the small campus and its admin."""
KINDS = {"student": 82, "teacher": 11, "office": 7}
FEWEST, MOST, TICKETS_EACH = 400, 20_000, 12

# share, how a name is written, given names, family names
NAMES: dict[str, tuple[int, str, str, str]] = {
    "english": (
        24, "",
        "Alice Amelia Andrew Archie Beth Caroline Charlie Claire Daniel Edward Eleanor Ella Erin Ethan Evie Fiona George"
        " Georgia Hannah Harriet Harry Heather Isla Jack James Jessica Joe Kate Laura Lewis Lily Louise Lucas Martha Max"
        " Megan Molly Natalie Oliver Oscar Owen Poppy Rachel Rhys Robert Ruby Sophie Thomas Toby William Zoe",
        "Adams Allen Atkinson Bailey Barker Bennett Booth Bradley Brooks Burton Carter Chapman Collins Cooper Dawson Dixon"
        " Edwards Ellis Fletcher Foster Gibson Graham Griffiths Harper Harvey Hughes Hunter Jenkins Kelly Kennedy Lawson"
        " Lloyd Marshall Matthews McKenzie Morgan Murphy Newton Owen Palmer Pearson Powell Reid Reynolds Richards Saunders"
        " Shaw Spencer Stevens Sutton Turner Walsh Watkins Webb Wheeler Wilkinson Wood Young",
    ),
    "german": (
        11, "*",
        "Anja Anna Annika Bastian Bernd Birgit Carla Christoph Clara Daniela Dirk Elena Emilia Erik Fabian Florian Franziska"
        " Hannes Heike Holger Ina Jan Jana Janine Johanna Katharina Klaus Lara Lea Leon Lena Marie Markus Matthias Maximilian"
        " Moritz Nele Niklas Paul Petra Philipp Sarah Sebastian Silke Simon Sophie Stefanie Susanne Tim Tobias Ulrike Uwe",
        "Arnold Bachmann Baumann Beck Becker Böhm Braun Busch Dietrich Engel Fischer Frank Friedrich Fuchs Graf Groß Günther"
        " Haas Hartmann Heinrich Herrmann Huber Jäger Jung Kaiser Keller Klein Koch König Köhler Krämer Krause Krüger Kühn"
        " Lang Lehmann Ludwig Maier Meyer Möller Müller Neumann Otto Pfeiffer Richter Roth Sauer Schäfer Schmitt Scholz"
        " Schröder Schubert Schulte Seidel Simon Sommer Stein Thomas Vogt Wagner Walter Winkler Winter Wolf Ziegler Zimmermann",
    ),
    "indian": (
        10, "",
        "Aarav Aditi Aditya Ananya Anjali Arnav Asha Chitra Deepa Deepak Divya Gaurav Gita Harsh Ishaan Kavita Kavya Kiran"
        " Lakshmi Manish Meera Mohan Nandini Neha Nikhil Pooja Pranav Radha Rahul Rajesh Riya Sanjay Shreya Sneha Sunil Tara"
        " Uma Varun Vidya Vivek",
        "Agarwal Bhatt Bose Chatterjee Chaudhary Das Desai Dutta Gandhi Gopalakrishnan Gupta Iyengar Jain Joshi Kapoor Kulkarni"
        " Kumar Malhotra Menon Mishra Mukherjee Narayanan Nayak Pandey Patel Pillai Prasad Rao Reddy Saxena Sen Shah Sharma"
        " Singh Srinivasan Thakur Tiwari Varma Yadav",
    ),
    "chinese": (
        9, "",
        "Bo Chen Cheng Dan Fang Fei Feng Hai Hong Hua Hui Jia Jian Jing Jun Lan Lei Li Lin Ling Mei Min Na Ning Peng Qian Qing"
        " Rui Shan Ting Wei Xia Xin Xue Yan Yang Ying Yu Yuan Yue Zhen Zihan Ziyi",
        "Bai Cai Cao Chen Cheng Cui Deng Ding Dong Du Fan Fang Feng Gao Guo Han He Hu Huang Jiang Jin Kong Lei Li Liang Lin Liu"
        " Lu Luo Ma Meng Pan Peng Qian Qiu Ren Shen Shi Song Su Sun Tang Tian Wang Wu Xiao Xie Xu Yang Yao Ye Yin Yu Yuan Zeng"
        " Zhao Zheng Zhong Zhou Zhu",
    ),
    "arabic": (
        7, "",
        "Adel Ali Amal Amina Amir Ayman Bassam Dalia Dina Fadi Farah Fares Ghada Habib Hala Hanan Ibrahim Iman Jamal Karim"
        " Khadija Khaled Layla Lina Maha Malak Marwan Maryam Mona Mustafa Nabil Noor Omar Rami Reem Salma Samir Sara Tamer"
        " Walid Yasmin Youssef Zainab Ziad",
        "Abbas Abdallah Al-Ansari Al-Farsi Al-Hashimi Al-Masri Al-Najjar Al-Zahrani Amin Aziz Bakri Barakat Bouazizi Boukhari"
        " Cherif Darwish El-Amrani El-Khatib El-Mansouri Fahmy Ghanem Hamdan Hamdi Hariri Idrissi Jaber Kassem Khalil Khoury"
        " Mahfouz Mansour Nasser Qasim Saad Saleh Salem Shaheen Tahir Younes Zaki",
    ),
    "west african": (
        6, "",
        "Abena Abiola Adaeze Ade Afua Akosua Ama Aminata Awa Ayodele Babatunde Boubacar Chiamaka Chidi Chinedu Efua Emeka"
        " Esi Fatou Folake Funmi Ifeoma Ikenna Kemi Kwabena Kwame Mamadou Mariama Ngozi Nnamdi Obinna Olumide Ousmane Sade"
        " Segun Temitope Tunde Uche Yaa Yaw",
        "Abubakar Acheampong Adeleke Afolabi Agyeman Akintola Amoah Ansah Asante Ba Balogun Boateng Camara Cissé Danso Diop"
        " Ekwueme Eze Fofana Ibe Keita Koné Kouyaté Mbah Ndiaye Nwosu Obi Ofori Ojo Okafor Okeke Okoye Oladipo Onyeka"
        " Opoku Owusu Sarr Sow Touré Traoré",
    ),
    "spanish": (
        6, "double",
        "Adriana Alejandro Ana Andrés Camila Carlos Carmen Cristina Daniela David Elena Emilio Fernando Gabriela Guadalupe"
        " Hugo Ignacio Inés Irene Javier Joaquín Jorge José Juan Julia Laura Lucía Luis Manuel María Marta Mateo Miguel"
        " Natalia Pablo Paula Raúl Rocío Sergio Ximena",
        "Aguilar Álvarez Blanco Cabrera Campos Castillo Castro Cruz Delgado Díaz Domínguez Fernández Flores Fuentes Gallego"
        " García Garrido Gil Gómez González Guerrero Gutiérrez Herrera Iglesias Jiménez Lozano Marín Martínez Medina Méndez"
        " Muñoz Navarro Núñez Ortega Peña Pérez Ramírez Ramos Reyes Rodríguez Romero Ruiz Sánchez Santos Serrano Suárez Torres"
        " Vargas Vázquez Vega",
    ),
    "polish": (
        5, "",
        "Adam Agnieszka Aleksandra Anna Barbara Bartosz Ewa Filip Grzegorz Jan Joanna Kamil Karolina Kinga Krzysztof Łukasz"
        " Maciej Magdalena Małgorzata Michał Monika Natalia Paweł Piotr Rafał Stanisław Szymon Tomasz Wiktoria Zofia",
        "Adamski Bąk Błaszczyk Borowiec Chmiel Czarnecki Dąbek Dudek Gajda Głowacki Górski Jabłoński Jaworski Kaczmarek Kołodziej"
        " Kozioł Król Kubiak Lis Maj Malinowski Mazur Michalak Nowak Olszewski Pawlak Piątek Sadowski Sikora Stępień Szczepański"
        " Szewczyk Walczak Wieczorek Wilk Wróbel Zając",
    ),
    "turkish": (
        4, "",
        "Ahmet Ali Ayşe Aylin Barış Beren Burak Büşra Can Cem Ceren Defne Deniz Ece Elif Emine Eren Esra Fatma Gökhan Gül Hakan"
        " Hüseyin İbrahim Kaan Kerem Leyla Melis Merve Murat Nazlı Onur Özge Pınar Selin Serkan Sinem Tuğba Umut Zeynep",
        "Acar Akın Aksoy Arslan Aslan Avcı Aydın Bulut Can Çelik Çetin Çınar Doğan Erdoğan Güler Güneş Kaplan Kara Karaca Kaya"
        " Keskin Kılıç Koç Korkmaz Kurt Öz Özkan Öztürk Polat Sarı Şen Şimşek Taş Tekin Toprak Turan Uçar Ünal Yavuz Yüksel",
    ),
    "french": (
        4, "",
        "Adèle Amélie Antoine Aurélie Baptiste Camille Céline Chloé Clément Élise Étienne Florence François Hélène Hugo Inès"
        " Jeanne Jérôme Julien Laurent Léo Louis Lucie Manon Mathilde Maxime Nicolas Noémie Océane Olivier Pauline Quentin"
        " Raphaël Romain Sébastien Théo Thibault Valérie Yann Zoé",
        "Arnaud Aubert Barbier Benoît Bernard Blanchard Bonnet Bourgeois Boyer Brunet Caron Chevalier Collet David Denis Deschamps"
        " Durand Faure Fontaine Garnier Gauthier Gérard Girard Guérin Henry Joly Lacroix Lambert Leclerc Legrand Lemaire Marchand"
        " Mercier Meunier Michel Moreau Noël Perrin Picard Renard Rey Rivière Robin Rousseau Roussel Vidal",
    ),
    "italian": (
        4, "",
        "Alessandro Alice Andrea Anna Beatrice Bianca Carlo Caterina Chiara Davide Elisa Emanuele Enrico Federica Federico Filippo"
        " Francesco Gaia Ginevra Giorgio Giovanni Ilaria Leonardo Lorenzo Luca Marco Martina Matteo Nicola Paola Pietro Riccardo"
        " Roberta Sara Silvia Simone Stefano Tommaso Valeria Vittoria",
        "Amato Barbieri Basile Bellini Benedetti Bruno Caruso Cattaneo Colombo Conti Costa D'Angelo De Luca De Santis Esposito"
        " Fabbri Farina Ferrari Fiore Fontana Galli Gatti Giordano Grassi Greco Guerra Leone Lombardi Longo Mancini Marini Martini"
        " Monti Moretti Negri Orlando Pagano Parisi Pellegrini Ricci Rinaldi Rizzo Romano Rossi Russo Sala Serra Testa Villa",
    ),
    "nordic": (
        4, "",
        "Aino Anders Annika Astrid Birgitta Björn Eero Elin Emil Erik Freja Guðrún Gustav Hanna Henrik Ida Ingrid Jens Jóhann"
        " Juha Karin Kasper Lars Liv Maja Mikael Mikko Nils Ólafur Oskar Pekka Ragnhild Saga Sigrid Signe Søren Sven Tiina Tuva Åsa",
        "Aalto Andersen Bergström Björklund Dahl Ekström Eriksen Forsberg Fredriksson Haugen Heikkinen Hansen Holm Jansson"
        " Jónsdóttir Karlsson Koskinen Kristiansen Laine Larsen Lindholm Lund Magnusson Mäkinen Moen Nielsen Nyström Øberg Olsen"
        " Pettersson Rasmussen Salonen Sandberg Sigurðsson Sjöberg Sørensen Strand Virtanen Wikström Østergaard",
    ),
    "vietnamese": (
        3, "family first",
        "Anh Bảo Bình Châu Chi Cường Dung Dũng Duy Giang Hà Hải Hạnh Hiếu Hoa Hoàng Hùng Hương Khánh Khoa Lan Linh Long Mai Minh"
        " My Nam Nga Ngân Ngọc Nhung Phong Phương Quân Quỳnh Sơn Tâm Thảo Thu Trang Trung Tú Tùng Vân Việt Yến",
        "Bùi,Đặng,Đinh,Đỗ,Dương,Hồ,Hoàng,Huỳnh,Lê,Lý,Mai,Ngô,Nguyễn,Nguyễn Thị,Nguyễn Văn,Phạm,Phan,Tạ,Trần,Trần Thị,Trịnh,Trương,"
        "Võ,Vũ",
    ),
    "korean": (
        3, "family first",
        "Chae-won Da-eun Do-yun Eun-seo Ga-eun Ha-joon Ha-yoon Hye-jin Hyun-seo In-ho Ji-ho Ji-hoon Ji-min Ji-woo Jin-young Joo-won"
        " Jun-seo Kyung-soo Mi-na Min-jae Min-ji Min-jun Na-ri Sang-woo Seo-jun Seo-yeon Seung-min So-ra Soo-jin Su-bin Tae-yang"
        " Woo-jin Ye-jin Yoo-na Young-ho",
        "Ahn Bae Baek Cha Choi Chung Han Heo Hong Hwang Im Jang Jeon Jeong Jo Kang Kim Kwon Lee Lim Min Moon Nam Noh Oh Park Ryu Seo"
        " Shin Son Song Yang Yoo Yoon",
    ),
    "japanese": (
        2, "",
        "Aiko Akira Asuka Ayumi Chiyo Daichi Daisuke Emi Haruka Haruto Hikaru Hina Kaito Kaori Kazuki Kenji Mai Makoto Mei Mio"
        " Naoko Ren Riku Rin Sakura Shota Sora Takumi Yui Yūto",
        "Abe Aoki Endō Fujita Fukuda Gotō Hasegawa Hashimoto Hayashi Ikeda Inoue Ishikawa Itō Katō Kimura Kobayashi Kondō Maeda"
        " Matsumoto Mori Murakami Nakajima Ogawa Okada Ono Ōta Saitō Sakamoto Sasaki Shimizu Suzuki Takahashi Ueda Watanabe Yamada"
        " Yamaguchi Yoshida",
    ),
    "ukrainian": (
        3, "",
        "Anastasiia Andrii Artem Bohdan Daryna Denys Halyna Iryna Ivan Kateryna Khrystyna Liudmyla Maksym Mariia Mykola Nadiia"
        " Oksana Oleh Oleksandr Olena Roman Serhii Sofiia Solomiia Svitlana Taras Tetiana Viktoriia Volodymyr Yuliia",
        "Bondarenko Boiko Danylenko Fedorenko Havryliuk Hnatiuk Honchar Ivanenko Klymenko Kozak Kravchenko Kravets Kuzmenko"
        " Lysenko Marchenko Melnyk Moroz Oliinyk Panchenko Pavlenko Petrenko Polishchuk Romanenko Rudenko Savchenko Shevchenko"
        " Symonenko Tkachenko Tymoshenko Vasylenko Zaitsev Zinchenko",
    ),
    "persian": (
        2, "",
        "Ali Amir Arash Azadeh Bahram Behnaz Dariush Farhad Fatemeh Golnaz Hamid Hossein Kaveh Kian Laleh Mahsa Maryam Mehdi Mina"
        " Nasrin Navid Nima Parisa Pouya Reza Roya Saeed Shirin Sina Yasaman",
        "Abbasi Ahmadi Akbari Amini Azizi Bahrami Ebrahimi Esfahani Farahani Ghasemi Hashemi Heidari Jafari Karimi Kazemi Mohammadi"
        " Moradi Mousavi Najafi Rahimi Rezaei Rostami Sadeghi Salehi Shirazi Soltani Tehrani Yazdani Zamani Zand",
    ),
    "portuguese": (
        3, "double",
        "Afonso Amanda Ana António Bárbara Bruno Caio Carolina Catarina Débora Diogo Eduardo Fábio Fernanda Filipa Gabriel Gonçalo"
        " Helena Isabela João Juliana Larissa Leonor Letícia Marcelo Mariana Rafael Renata Rodrigo Rui Sónia Tiago Vitória",
        "Almeida Araújo Azevedo Barbosa Cardoso Correia Costa Cunha Dias Fonseca Freitas Gomes Gonçalves Lopes Machado Magalhães"
        " Marques Melo Monteiro Moreira Moura Neves Nogueira Nunes Oliveira Pereira Pinto Ribeiro Rocha Sampaio Silva Simões Sousa"
        " Tavares Teixeira Vieira",
    ),
}  # fmt: skip

# kind of building: the kinds of place on each floor, with how many
LAYOUTS: dict[str, dict[str, int]] = {
    "teaching": {"teaching": 5, "office": 6, "hall": 1, "washroom": 2, "kitchen": 1, "print": 1, "stairs": 1, "study": 1},
    "laboratory": {"lab": 5, "office": 6, "teaching": 1, "hall": 1, "washroom": 2, "kitchen": 1, "print": 1, "server": 1},
    "offices": {"office": 12, "hall": 1, "washroom": 2, "kitchen": 2, "print": 1, "stairs": 1},
    "residence": {"bedroom": 18, "flat": 3, "bathroom": 2, "hall": 1, "stairs": 1},
    "learning": {"study": 8, "pc": 2, "hall": 2, "washroom": 2, "print": 1},
    "public": {"hall": 2, "cafe": 1, "washroom": 1, "theatre": 1},
}
BUILDINGS: dict[str, tuple[str, int]] = {
    "Curie Building": ("laboratory", 5), "Darwin Building": ("laboratory", 4), "Faraday Building": ("laboratory", 4),
    "Hopper Building": ("teaching", 4), "Lovelace Building": ("teaching", 5), "Meitner Building": ("laboratory", 3),
    "Humboldt House": ("offices", 4), "Arendt House": ("teaching", 4), "Law School": ("teaching", 4),
    "School of Education": ("teaching", 3), "School of Architecture": ("teaching", 4), "Institute of Languages": ("teaching", 3),
    "Economics Tower": ("offices", 9), "Registry": ("offices", 3), "International House": ("offices", 3),
    "Science Library": ("learning", 4), "Law Library": ("learning", 3), "Learning Commons": ("learning", 3),
    "Concert Hall": ("public", 2), "University Museum": ("public", 2), "Rowan Residence": ("residence", 6),
    "Willow Residence": ("residence", 5), "Hazel Residence": ("residence", 7), "Cedar Residence": ("residence", 4),
}  # fmt: skip
"""Beside those of the small campus: name, kind and floors. Forty in all."""
GROUND = {
    "entrance": "main entrance | side entrance", "lift": "foyer | goods lift", "outdoors": "yard | bike stands",
    "parking": "car park behind the building",
}  # fmt: skip
ON_FLOOR = {
    "hall": ("corridor", "lounge"), "washroom": ("women's washroom", "men's washroom"), "kitchen": ("tea kitchen", "kitchen"),
    "print": ("copy corner",), "stairs": ("stairs",), "flat": ("shared kitchen", "corner kitchen", "big kitchen"),
    "bathroom": ("shared bathroom", "shared bathroom, east"), "cafe": ("café",), "theatre": ("hall",),
}  # fmt: skip


def _rooms(layout: dict[str, int], floors: int) -> Iterator[tuple[str, str]]:
    for floor in range(floors):
        number = 0
        for kind, count in layout.items():
            for position in range(count):
                if kind in ON_FLOOR:
                    yield kind, f"{ON_FLOOR[kind][position % len(ON_FLOOR[kind])]} on floor {floor}"
                else:
                    number += 1
                    yield kind, f"{floor}.{number:02d}"


def _places() -> dict[str, list[Place]]:
    found = {kind: list(places) for kind, places in campus.PLACES.items()}
    for building, (layout, floors) in BUILDINGS.items():
        rooms = [*_rooms(LAYOUTS[layout], floors)]
        rooms += [(kind, raw) for kind, raws in GROUND.items() for raw in raws.split(" | ")]
        for kind, raw in rooms:
            found.setdefault(kind, []).append(campus.place(building, kind, raw))
    return found


class _Names:
    """Draws people. Two may have the same name, nobody the same username."""

    def __init__(self, rng: random.Random, taken: set[str]) -> None:
        self.rng = rng
        self.taken = taken
        self.shares = [share for share, *_ in NAMES.values()]
        self.pools = [
            (style, given.split(), family.split(",") if "," in family else _families(family))
            for _, style, given, family in NAMES.values()
        ]

    def person(self, kind: str, team: str | None = None) -> Person:
        style, given, family = self.rng.choices(self.pools, self.shares)[0]
        first, last = self.rng.choice(given), self.rng.choice(family)
        if style == "double" and self.rng.random() < 0.5:
            name = f"{first} {last} {self.rng.choice(family)}"
        elif style == "family first":
            name = f"{last} {first}"
        else:
            middle = self.rng.random()
            name = f"{first} {self.rng.choice(given)} {last}" if middle < 0.04 else f"{first} {last}"
            if 0.04 < middle < 0.06:
                name = f"{first} {last}-{self.rng.choice(family)}"
        person = Person(name, "", kind, team=team, speaks_german=style == "*", called=first)
        return replace(person, username=self._username(first, last))

    def _username(self, first: str, last: str) -> str:
        wanted = campus.username(first, last.split()[-1])
        number, free = 1, wanted
        while free in self.taken:
            number += 1
            free = f"{wanted[:28]}{number}"
        self.taken.add(free)
        return free


def _families(text: str) -> list[str]:
    """Split at spaces, but for `De Luca`."""
    return text.replace("De ", "De_").replace(" ", ",").replace("_", " ").split(",")


def size(tickets: int) -> int:
    """How many people report so many tickets."""
    return max(FEWEST, min(tickets // TICKETS_EACH, MOST))


@lru_cache(maxsize=1)
def cast(seed: int, tickets: int) -> Cast:
    """The people and places of a campus with so many tickets; those of the small one are among them."""
    rng = random.Random(f"people {seed}")
    people = dict(campus.PEOPLE)
    names = _Names(rng, set(people))
    drawn = [names.person("agent", team) for team, count in AGENTS.items() for _ in range(count)]
    drawn = [replace(person, speaks_german=number % 4 == 0) for number, person in enumerate(drawn)]
    kinds = rng.choices(list(KINDS), list(KINDS.values()), k=size(tickets))
    drawn += [names.person(kind) for kind in kinds]
    people |= {person.username: person for person in drawn}
    return Cast(people, _places())
