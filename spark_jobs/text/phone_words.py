"""Words that stand before numbers: those that announce a telephone number, and those that announce another one."""

from typing import Final

CUES: Final = (
    "tel", "tél", "telefon", "telefone", "telefono", "telefoon", "teléfono", "telephone", "téléphone", "phone",
    "phones", "fax", "telefax", "mobile", "mob", "cell", "cellphone", "call", "dial", "hotline", "helpline", "handy",
    "mobil", "rufnummer", "durchwahl", "sms", "whatsapp", "viber", "portable", "gsm", "appelez", "móvil", "movil",
    "celular", "llame", "llámenos", "ligue", "telemóvel", "cellulare", "chiama", "bel", "mobiel", "komórka",
    "komórkowy", "zadzwoń", "infolinia", "puhelin", "puh", "tlf", "telefoni", "mobilní", "telefón", "mobiltelefon",
    "τηλ", "τηλέφωνο", "κινητό", "тел", "телефон", "телефоны", "моб", "факс", "звоните", "cep", "faks", "thoại", "đt",
    "sđt", "hp", "telp", "telepon", "hubungi", "電話", "携帯", "电话", "手机", "手機", "热线", "传真", "傳真", "전화",
    "휴대폰", "연락처", "팩스", "โทร", "هاتف", "تلفون", "جوال", "موبايل", "فاكس", "اتصل", "تلفن", "موبایل", "تماس",
    "טלפון", "טל", "נייד", "फोन", "मोबाइल", "☎", "📞", "📱", "✆",
)  # fmt: skip
OTHERS: Final = frozenset({
    "isbn", "issn", "doi", "pmid", "order", "invoice", "item", "sku", "part", "model", "serial", "ref", "reference",
    "case", "patent", "id", "account", "acct", "konto", "kontonummer", "blz", "iban", "vat", "tax", "siret", "siren",
    "nif", "cif", "cnpj", "cpf", "ean", "upc", "gtin", "hrb", "version", "bestellnummer", "rechnung",
    "rechnungsnummer", "artikelnummer", "artikel", "commande", "pedido", "factura", "ordine", "zamówienie", "инн",
    "огрн", "кпп", "заказ", "注文番号", "订单号", "订单", "tracking", "ticket", "license", "licence", "registration",
    "ssn", "passport", "zip", "postcode", "lat", "lon", "population", "coordinates", "commit", "build", "bug", "rfc",
    "no", "nr", "nº", "№", "#",
})  # fmt: skip
