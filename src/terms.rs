//! The terms of records, tariffs and decisions for a person, in English or Chinese. Data keep the terms of files and JSON.

use crate::words::Lang;

/// Term of files and JSON, English, Chinese.
type Term = (&'static str, &'static str, &'static str);

const TERMS: &[Term] = &[
    // What a terminal saw.
    ("tap-on", "in", "进站"),
    ("tap-off", "out", "出站"),
    ("boarding", "boarding", "乘车"),
    ("journey", "journey", "行程"),
    ("pass", "pass", "入场"),
    ("payment", "payment", "付款"),
    ("refund", "refund", "退款"),
    ("reversal", "reversal", "撤销"),
    ("disbursement", "disbursement", "发放"),
    ("collection", "collected later", "补收"),
    // What a step of a price is.
    ("base", "base price", "基础票价"),
    ("overstay", "overstay", "超时加收"),
    ("stated", "terminal's charge", "终端收费"),
    ("discount", "discount", "优惠"),
    ("transfer", "transfer", "换乘"),
    ("cap", "cap", "封顶"),
    ("tier", "tier", "阶梯"),
    ("incentive", "incentive", "奖励"),
    ("surcharge", "surcharge", "附加费"),
    ("rounding", "rounding", "取整"),
    ("budget", "not granted by the budget", "预算未拨付"),
    // What a ride is flagged with.
    ("capped", "capped", "已封顶"),
    ("no-tap-on", "no tap-on", "缺进站"),
    ("no-tap-off", "no tap-off", "缺出站"),
    ("same-station", "same station", "同站进出"),
    ("unknown-pair", "unknown pair", "无此站对"),
    ("variance", "price differs from the tariff", "与票价不符"),
    ("hotlisted", "hotlisted", "黑名单卡"),
    ("late", "late", "迟到"),
    ("released", "released", "解除挂起"),
    ("concession", "concession", "优待"),
    ("share", "share", "分账"),
    ("withdrawn", "withdrawn", "已撤回"),
    ("corrects", "correction", "更正"),
    // Where money stands.
    ("receivable", "receivable", "应收"),
    ("payable", "payable", "应付"),
    ("fee-income", "fee income", "手续费收入"),
    // What becomes of a record.
    ("cleared", "cleared", "已清分"),
    ("duplicate", "duplicate", "重复"),
    ("held", "held", "挂起"),
    ("rejected", "rejected", "拒绝"),
    ("flagged", "flagged", "标记"),
    // What state a day, a file and a party's set are in.
    ("open", "open", "开放"),
    ("closing", "closing", "日终中"),
    ("closed", "closed", "已日终"),
    ("settled", "settled", "已结算"),
    ("receiving", "receiving", "接收中"),
    ("booked", "booked", "已入账"),
    ("abandoned", "abandoned", "已放弃"),
    ("not generated", "not generated", "未生成"),
    ("empty", "empty", "空"),
    ("published", "published", "已发布"),
];

/// A term for a person; one that has no words is shown as it is.
#[must_use]
pub fn term(lang: Lang, term: &str) -> &str {
    TERMS.iter().find(|(known, ..)| *known == term).map_or(term, |&(_, en, zh)| lang.pick(en, zh))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Flags, RecordKind, Role};

    #[test]
    fn what_files_name_has_words_in_both_languages() {
        let kinds = RecordKind::ALL.iter().map(|kind| kind.name());
        let names = kinds.chain(Flags::NAMES.iter().map(|(_, name)| *name)).chain(Role::ALL.iter().map(|role| role.name()));
        for name in names {
            assert_ne!(term(Lang::Zh, name), name);
            assert!(TERMS.iter().filter(|(known, ..)| *known == name).count() == 1, "{name}");
        }
        assert_eq!(term(Lang::Zh, "something"), "something");
    }
}
