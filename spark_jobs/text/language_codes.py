"""Names of languages: from the labels of lid.176 (ISO 639-1, sometimes 639-3) to those of GlotLID, `fra_Latn`.

GlotLID names the single language (ISO 639-3) and the script (ISO 15924). Where ISO 639-1 names a group of languages
(Arabic, Chinese, Malay), the one that most text of that label is in stands for it.
"""

from functools import lru_cache
from types import MappingProxyType
from typing import Final

# label=language, then the scripts it is written in, the most usual first; none stated is Latin.
_LABELS: Final = """
af=afr als=gsw am=amh:Ethi an=arg ar=arb:Arab arz=arz:Arab as=asm:Beng ast=ast av=ava:Cyrl az=azj:Latn:Cyrl:Arab
azb=azb:Arab ba=bak:Cyrl bar=bar bcl=bcl be=bel:Cyrl bg=bul:Cyrl bh=bho:Deva bn=ben:Beng bo=bod:Tibt bpy=bpy:Beng br=bre
bs=bos bxr=bxr:Cyrl ca=cat cbk=cbk ce=che:Cyrl ceb=ceb ckb=ckb:Arab co=cos cs=ces cv=chv:Cyrl cy=cym da=dan de=deu
diq=diq dsb=dsb dty=dty:Deva dv=div:Thaa el=ell:Grek eml=eml en=eng eo=epo es=spa et=ekk eu=eus fa=fas:Arab fi=fin
fr=fra frr=frr fy=fry ga=gle gd=gla gl=glg gn=gug gom=gom:Deva:Latn gu=guj:Gujr gv=glv he=heb:Hebr hi=hin:Deva hif=hif
hr=hrv hsb=hsb ht=hat hu=hun hy=hye:Armn ia=ina id=ind ie=ile ilo=ilo io=ido is=isl it=ita ja=jpn:Jpan jbo=jbo jv=jav
ka=kat:Geor kk=kaz:Cyrl:Latn:Arab km=khm:Khmr kn=kan:Knda ko=kor:Hang krc=krc:Cyrl ku=kmr:Latn:Arab:Cyrl kv=kpv:Cyrl
kw=cor ky=kir:Cyrl la=lat lb=ltz lez=lez:Cyrl li=lim lmo=lmo lo=lao:Laoo lrc=lrc:Arab lt=lit lv=lvs mai=mai:Deva mg=plt
mhr=mhr:Cyrl min=min mk=mkd:Cyrl ml=mal:Mlym mn=khk:Cyrl:Mong mr=mar:Deva mrj=mrj:Cyrl ms=zsm:Latn:Arab mt=mlt mwl=mwl
my=mya:Mymr myv=myv:Cyrl mzn=mzn:Arab nah=nah nap=nap nds=nds ne=npi:Deva new=new:Deva nl=nld nn=nno no=nob oc=oci
or=ory:Orya os=oss:Cyrl pa=pan:Guru pam=pam pfl=pfl pl=pol pms=pms pnb=pnb:Arab ps=pbt:Arab pt=por qu=quy rm=roh
ro=ron:Latn:Cyrl ru=rus:Cyrl rue=rue:Cyrl sa=san:Deva sah=sah:Cyrl sc=srd scn=scn sco=sco sd=snd:Arab:Deva
sh=hbs:Latn:Cyrl si=sin:Sinh sk=slk sl=slv so=som sq=als sr=srp:Cyrl:Latn su=sun sv=swe sw=swh ta=tam:Taml te=tel:Telu
tg=tgk:Cyrl th=tha:Thai tk=tuk:Latn:Cyrl tl=fil tr=tur tt=tat:Cyrl:Latn tyv=tyv:Cyrl ug=uig:Arab:Latn:Cyrl uk=ukr:Cyrl
ur=urd:Arab uz=uzn:Latn:Cyrl vec=vec vep=vep vi=vie vls=vls vo=vol wa=wln war=war wuu=wuu:Hani xal=xal:Cyrl xmf=xmf:Geor
yi=ydd:Hebr yo=yor yue=yue:Hani zh=cmn:Hani
"""


def forms_of(label: str) -> tuple[str, ...]:
    """A label of either kind as `language_Script`, the most usual script first; empty for a label that is not known.

    "sr" gives ("srp_Cyrl", "srp_Latn"), "fra_Latn" itself. A label with a script is not looked up.
    """
    language, _, script = label.partition("_")
    if script:
        return (label,) if language and len(script) == 4 else ()
    return _forms().get(label, ())


def scripts_of_label(label: str) -> tuple[str, ...]:
    """Scripts (ISO 15924) that the language of a label is written in; empty where that is not known."""
    return tuple(form.partition("_")[2] for form in forms_of(label))


def labels_of(form: str) -> tuple[str, ...]:
    """Labels of lid.176 whose language and script are `form` ("fra_Latn")."""
    return tuple(label for label, forms in _forms().items() if form in forms)


@lru_cache(maxsize=1)
def _forms() -> MappingProxyType[str, tuple[str, ...]]:
    known = {}
    for entry in _LABELS.split():
        label, _, rest = entry.partition("=")
        language, *scripts = rest.split(":")
        known[label] = tuple(f"{language}_{script}" for script in scripts or ["Latn"])
    return MappingProxyType(known)
