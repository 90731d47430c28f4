"""Who speaks: the speakers of each model. Facts only, as of 2026-11 (protocol notes, §4).

`amelia` and `sophia` stand in older lists for v3, but the API does not recognise them there.
"""

from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


V2: Final = _names("anushka manisha vidya arya abhilash karun hitesh")

V3: Final = _names(
    """
    shubh aditya ritu priya neha rahul pooja rohan simran kavya amit dev ishita shreya ratan varun
    manan sumit roopa kabir aayan ashutosh advait anand tanya tarun sunny mani gokul vijay shruti
    suhani mohit kavitha rehan soham rupali
    """
)

# A v4-flash speaker is a name, a language and a style, `ritu_hi_sales`; `enhi` is Hindi mixed with
# English. The union of what livekit-plugins-sarvam 1.8.9 and sarvamai 0.1.39 list: they differ in a
# few, and the origin decides. A line reads: name, then its styles; some names take two lines.
_V4_FLASH: Final = {
    "as": """
        kangkana conversational
        mouchumi conversational
    """,
    "bn": """
        arnab conversation
        bappa conversation
        bimal suspense
        roopa conversational
    """,
    "en": """
        aditi stories
        amelia conversational
        aparna companion edtech
        ashwin sports sports_energetic
        chandrika stories
        dev conversational recovery
        deven conversation
        girish devotional documentary
        ishita customer medical numbers social stories
        kalpit edtech
        nachiket ads
        neha customer latenight
        nupur kids
        ojas social
        payal edtech
        ritu edtech latenight medical reels
        rohan recovery
        roopa conversational
        rustom suspense
        sanchita companion insurance market recovery social
        sarang narration
        shabana edtech
        shalini companion customer
        shubh ads audiobook narration narration_gentle numbers recovery sports
        simran ads automobile conversation customer edtech edtech_bot narration recovery sales
        simran therapist
        sophia conversational
        sunny social
        varun ads suspense
        zarina conversation
    """,
    "enhi": """
        ishita companion customer customer_expressive
        sanchita companion
        shalini companion customer
        shubh ads banking companion
        simran banking_expressive companion customer
        sunny customer
    """,
    "gu": """
        bhavik conversation
        pooja conversational customer
    """,
    "hi": """
        aarti customer
        aayan conversational
        aditya conversational sales
        advait character
        amit conversational
        anand documentary news
        aparna customer kyc
        aryaman ads
        ashok character news
        ashutosh conversational
        chaitra customer
        chhavi kids
        chirag social
        girish devotional
        ishita ads ads_informal banking devotional edtech numbers social
        kabir conversational
        kavya conversational
        kunal kids
        mahesh documentary
        manan conversational
        mani conversational devotional
        mohit conversational
        mukul ads suspense
        nachiket devotional
        priya recovery
        rahul conversational
        ratan customer_expressive devotional documentary latenight latenight_warm recovery social
        ratan sports
        rehan social
        ritu ads_formal ads_informal banking conversation customer customer_utility customer_warm
        ritu edtech edtech_bot insurance kids medical reels sales social social_lively
        roopa companion conversational market narration recovery
        sanchita ads_formal ads_informal assistant banking edtech feedback interview kyc market
        sanchita romantic social
        sarika conversation
        shalini companion social
        shilpa narration
        shreya conversational news
        shruti edtech
        shubh ads customer devotional ecomm recovery stories_dramatic stories_mixed
        simran assistant automobile conversation latenight narration news news_breaking recovery
        simran sales social_energetic social_excited
        suchitra ecomm
        suhani social
        suman companion
        sumit conversational
        sunny ads reels
        tanya narration
        tarun conversational sales
        vaibhav social
        vandana ecomm
        vipul social
    """,
    "kn": """
        chaitra conversation narration
        chetan conversation
        suchitra narration
    """,
    "mr": """
        ishita conversational
        mrunal narration
        mukul stories
        neha narration
        nilesh conversation
        ritu insurance narration
        rupali stories
        soham narration
    """,
    "pa": """
        anand conversation customer
        harpreet narration
        jaspal banking
    """,
    "ta": """
        aravind ads suspense
        gokul narration
        vetri ads suspense
        vijay narration
    """,
    "te": """
        kavitha conversation narration
        pooja conversation
        tarun narration
    """,
}

V4_FLASH: Final = frozenset(
    f"{name}_{language}_{style}"
    for language, lines in _V4_FLASH.items()
    for name, *styles in map(str.split, lines.strip().splitlines())
    for style in styles
)
